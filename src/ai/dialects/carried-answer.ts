import type { ModelAnswer, StreamEvent, TokenUsage } from '../ir/answer.ts'
import { isObject, type JsonObject } from '../ir/json.ts'
import type { Losses } from '../ir/losses.ts'
import type { AssistantPart, Citation } from '../ir/parts.ts'
import { type CarriedParts, reportPart } from './carried.ts'
import type { DialectName } from './name.ts'

/*
 * What each encoder of answers says it carries, and the report of all the rest: the counterpart of `carried.ts` for what a client gets.
 */

type CitationMember = Exclude<keyof Citation, 'raw'>
/** Ways in which an answer was served, and what it used, that are told by some dialects alone. */
type UsageMember =
  | 'webSearches'
  | 'speed'
  | 'region'
  | 'cacheWrite'
  | 'cacheWrite1h'
  | 'audioInput'
  | 'audioOutput'
  | 'imageInput'
  | 'imageOutput'

/** As in `carried.ts`; of each part `yes` says that the encoder writes it, or reports by itself what it cannot say. */
export interface CarriedAnswer {
  /** Where parts stand in what is reported. */
  readonly path: string
  readonly parts: Pick<CarriedParts, AssistantPart['type']>
  /**
   * Of a citation in the words of another dialect; null: the encoder reports citations itself. `address`: it reports those without an
   * address as a whole.
   */
  readonly citation:
    | ({ readonly [Name in CitationMember]: 'yes' | 'no' } & { readonly address: 'needed' | 'not needed' })
    | null
  readonly usage: { readonly [Name in UsageMember]: 'yes' | 'no' }
  /** Whether a stream may tell more of a part that is over. */
  readonly lateNotes: 'yes' | 'no'
  /** Of each token's probability: its bytes, and what only some upstreams tell. */
  readonly logprobs: 'all' | 'without bytes' | 'none'
  /** Tiers that the dialect has a word for; all others are reported. Null: it takes any word. */
  readonly tiers: ReadonlySet<string> | null
}

const USAGE_NAMES = {
  webSearches: 'usage.web_searches',
  speed: 'usage.speed',
  region: 'usage.inference_geo',
  cacheWrite: 'usage.cache_write_tokens',
  cacheWrite1h: 'usage.cache_write_1h_tokens',
  audioInput: 'usage.audio_tokens',
  audioOutput: 'usage.audio_tokens',
  imageInput: 'usage.image_tokens',
  imageOutput: 'usage.image_tokens',
} as const satisfies Record<UsageMember, string>
const USAGE_MEMBERS = Object.keys(USAGE_NAMES) as readonly UsageMember[] // the keys of the table

/** Reports what an encoder of answers does not carry, of a whole answer or event by event. */
export class AnswerReport {
  readonly #dialect: DialectName
  readonly #table: CarriedAnswer
  readonly #losses: Losses
  #own = false
  /** Parts of a stream that are not over, by choice and number. */
  readonly #open = new Set<string>()

  constructor(dialect: DialectName, table: CarriedAnswer, losses: Losses) {
    this.#dialect = dialect
    this.#table = table
    this.#losses = losses
  }

  answer(answer: ModelAnswer): void {
    this.#own = answer.dialect === this.#dialect
    this.#tier(answer.serviceTier)
    if (answer.usage !== undefined) this.#usage(answer.usage)
    for (const { parts, logprobs } of answer.choices) {
      for (const part of parts) this.#part(part)
      if (logprobs !== undefined) this.#logprobs(logprobs)
    }
  }

  event(event: StreamEvent): void {
    switch (event.type) {
      case 'start':
        this.#own = event.dialect === this.#dialect
        return this.#tier(event.serviceTier)
      case 'part-start':
        this.#open.add(`${event.choice} ${event.index}`)
        return this.#part(event.part)
      case 'part-end':
        this.#open.delete(`${event.choice} ${event.index}`)
        return
      case 'part-note':
        return this.#note(event)
      case 'logprobs':
        return this.#logprobs(event.logprobs)
      case 'usage':
        this.#tier(event.serviceTier)
        return this.#usage(event.usage)
      default:
    }
  }

  #part(part: AssistantPart): void {
    reportPart(part, this.#table.parts, this.#table.path, { own: this.#own, losses: this.#losses })
    if (part.type === 'text') for (const citation of part.citations ?? []) this.#citation(citation)
  }

  #note({ choice, index, citation, signature }: Extract<StreamEvent, { type: 'part-note' }>): void {
    if (this.#table.lateNotes === 'no' && !this.#open.has(`${choice} ${index}`)) {
      if (citation !== undefined) this.#losses.drop(`${this.#table.path}.text.citations`)
      if (signature !== undefined) this.#losses.drop(`${this.#table.path}.signature`)
    } else if (citation !== undefined) this.#citation(citation)
  }

  #citation(citation: Citation): void {
    const { citation: table } = this.#table
    if (table === null || citation.raw?.dialect === this.#dialect) return
    if (table.address === 'needed' && citation.url === undefined) return
    const path = `${this.#table.path}.text.citations`
    const told = new Set<unknown>()
    for (const member of ['url', 'title', 'quote', 'start', 'end'] as const) {
      if (citation[member] === undefined) continue
      told.add(citation[member])
      if (table[member] === 'no') this.#losses.drop(`${path}.${member}`)
    }
    if (citation.start !== undefined) told.add('placed')
    if (citation.raw !== undefined) this.#raw(citation.raw.value, path, told)
  }

  /** What a citation says in its own dialect beside that. */
  #raw(value: unknown, path: string, told: ReadonlySet<unknown>): void {
    if (Array.isArray(value)) for (const item of value) this.#raw(item, path, told)
    else if (isObject(value)) {
      for (const [name, member] of Object.entries(value)) {
        if (!KIND.has(name) && !(PLACES.has(name) && told.has('placed'))) this.#raw(member, `${path}.${name}`, told)
      }
    } else if (value !== null && value !== '' && !told.has(value)) this.#losses.drop(path)
  }

  /** Encoders without any place for them report the whole. */
  #logprobs({ content }: JsonObject): void {
    if (this.#table.logprobs !== 'without bytes' || !Array.isArray(content)) return
    for (const token of content) {
      if (!isObject(token)) continue
      for (const name in token)
        if (!PROBABILITY.has(name) && token[name] !== null) this.#losses.drop(`logprobs.${name}`)
      const { top_logprobs: others } = token
      if (Array.isArray(others) && others.length > 0) this.#logprobs({ content: others })
    }
  }

  #usage(usage: TokenUsage): void {
    if (this.#own) return
    for (const member of USAGE_MEMBERS) {
      const value = usage[member]
      if (this.#table.usage[member] === 'yes' || value === undefined || value === 0 || ORDINARY.has(value)) continue
      this.#losses.drop(USAGE_NAMES[member])
    }
  }

  #tier(tier: string | undefined): void {
    const { tiers } = this.#table
    if (tier !== undefined && tiers !== null && !ORDINARY.has(tier) && !tiers.has(tier))
      this.#losses.drop('service_tier')
  }
}

const PROBABILITY: ReadonlySet<string> = new Set(['token', 'logprob', 'top_logprobs'])

/** What is so where nothing is said. */
const ORDINARY: ReadonlySet<unknown> = new Set(['default', 'standard', 'not_available', 'global'])

/** Of what kind a citation is. */
const KIND: ReadonlySet<string> = new Set(['type'])
/** Where it stands, which is counted in other units elsewhere. */
const PLACES: ReadonlySet<string> = new Set(['start', 'end', 'start_index', 'end_index', 'startIndex', 'endIndex'])
