import { hashText, mix } from '../../core/index.ts'
import { readJson, skipValue, walkItems, walkMembers } from '../../lib/index.ts'
import { isObject } from '../ir/json.ts'
import type { RequestFacts, StickySource } from './contract.ts'
import { userWords } from './user-words.ts'

type LevelKind = Parameters<RequestFacts['level']>[0]

/** What is read of a request beside its body. */
export interface FactsSource {
  readonly head: { get(name: string): string | null }
  readonly principal: {
    readonly id: string
    readonly tags?: ReadonlySet<string>
    readonly named?: Readonly<Record<LevelKind, string | null>>
  } | null
}

export interface FactsOptions
  extends Pick<
    RequestFacts,
    'surface' | 'model' | 'stream' | 'inputTokens' | 'outputTokens' | 'namedOutputTokens' | 'mediaItems'
  > {
  /** A body whose scan succeeded; null where it cannot be read. */
  readonly body: Buffer | null
  /** The member of the body that is the conversation; null for none. */
  readonly conversation: string | null
}

const NO_TAGS: ReadonlySet<string> = new Set()
const NOWHERE: readonly [start: number, end: number] = [-1, -1]
const IMAGE = Buffer.from('image')
const OPEN_BRACE = 0x7b
/** Of each part of a beginning so much of its head and so much of its tail is hashed. */
const HASHED_BYTES = 4_096
/** Members beside the conversation that a provider's cache begins with. */
const INSTRUCTIONS = ['system', 'instructions', 'systemInstruction', 'system_instruction'] as const
/** Where clients say which conversation a request belongs to. */
const SESSION_HEADERS = ['x-ferro-session', 'x-session-id'] as const
const SESSION_MEMBERS = [
  ['prompt_cache_key'],
  ['metadata', 'session_id'],
  ['metadata', 'user_id'],
  ['session_id'],
  ['safety_identifier'],
  ['user'],
] as const

/** What a request says, read when it is asked for. */
export class ExchangeFacts implements RequestFacts {
  readonly surface: string
  readonly model: string
  readonly stream: boolean
  readonly inputTokens: number
  readonly outputTokens: number
  readonly namedOutputTokens: number | null
  readonly mediaItems: number
  readonly #x: FactsSource
  readonly #body: Buffer | null
  readonly #conversation: string | null
  #members: Map<string, readonly [start: number, end: number]> | null = null
  #words: readonly string[] | null = null
  #tags: ReadonlySet<string> | null = null

  constructor(x: FactsSource, options: FactsOptions) {
    this.#x = x
    this.surface = options.surface
    this.model = options.model
    this.stream = options.stream
    this.inputTokens = options.inputTokens
    this.outputTokens = options.outputTokens
    this.namedOutputTokens = options.namedOutputTokens
    this.mediaItems = options.mediaItems
    this.#body = options.body
    this.#conversation = options.conversation
  }

  get key(): string {
    return this.#x.principal?.id ?? ''
  }

  get keyTags(): ReadonlySet<string> {
    return this.#x.principal?.tags ?? NO_TAGS
  }

  level(kind: LevelKind): string | null {
    return this.#x.principal?.named?.[kind] ?? null
  }

  get hasTools(): boolean {
    const tools = this.parameter(['tools']) ?? this.parameter(['functions'])
    return Array.isArray(tools) && tools.length > 0
  }

  get wantsSchema(): boolean {
    const type = this.parameter(['response_format', 'type']) ?? this.parameter(['text', 'format', 'type'])
    if (type === 'json_schema' || type === 'json_object') return true
    const other = this.parameter(['output_config', 'format']) ?? this.parameter(['output_format'])
    const config = this.parameter(['generationConfig']) ?? this.parameter(['generation_config'])
    if (isObject(other)) return true
    return isObject(config) && Object.keys(config).some((name) => /^response_?(?:json_?)?schema$/i.test(name))
  }

  get hasImages(): boolean {
    return this.mediaItems > 0 && this.#body !== null && this.#body.includes(IMAGE)
  }

  get words(): readonly string[] {
    if (this.#words === null) {
      const content = this.#conversation === null ? undefined : this.parameter([this.#conversation])
      this.#words = userWords(content)
    }
    return this.#words
  }

  get tags(): ReadonlySet<string> {
    if (this.#tags === null) {
      const text = this.header('x-ferro-tags')
      this.#tags = text === null ? NO_TAGS : new Set(text.split(',').map((tag) => tag.trim()))
    }
    return this.#tags
  }

  header(name: string): string | null {
    return this.#x.head.get(name)
  }

  parameter([name = '', ...rest]: readonly string[]): unknown {
    const [start, end] = this.#memberAt(name)
    if (this.#body === null || start < 0) return undefined
    let value = readJson(this.#body, start, end)
    for (const part of rest) {
      if (!isObject(value) || !Object.hasOwn(value, part)) return undefined
      value = value[part]
    }
    return value
  }

  metadata(name: string): string | null {
    return textOf(this.parameter(['metadata', name]))
  }

  hashOf(source: StickySource): number {
    switch (source.kind) {
      case 'key':
        return hashOrNone(this.key)
      case 'header':
        return hashOrNone(this.header(source.name))
      case 'metadata':
        return hashOrNone(this.metadata(source.name))
      case 'session':
        return hashOrNone(this.#session())
      case 'prefix':
        return this.#prefixHash()
    }
  }

  #session(): string | null {
    for (const name of SESSION_HEADERS) {
      const text = this.header(name)
      if (text !== null && text !== '') return text
    }
    for (const path of SESSION_MEMBERS) {
      const text = textOf(this.parameter(path))
      if (text !== null && text !== '') return text
    }
    return null
  }

  /** Of everything up to the end of the user's first message: what follows changes from turn to turn. */
  #prefixHash(): number {
    const body = this.#body
    if (body === null || this.#conversation === null) return -1
    const [start] = this.#memberAt(this.#conversation)
    if (start < 0) return -1
    let hash = FNV_START
    for (const name of INSTRUCTIONS) {
      const [from, to] = this.#memberAt(name)
      if (from >= 0) hash = hashPart(body, from, to, hash)
    }
    // Apart: long instructions that all share must not hide whose conversation it is.
    const [turn, end] = firstTurn(body, start)
    return mix(hashPart(body, turn, end, hashPart(body, start, turn, hash)))
  }

  /** Where the value of a member of the body stands; -1 for none. */
  #memberAt(name: string): readonly [start: number, end: number] {
    const body = this.#body
    if (body === null) return NOWHERE
    if (this.#members === null) {
      const members = new Map<string, readonly [number, number]>()
      walkMembers(body, Math.max(0, body.indexOf('{')), (at, keyStart, keyEnd) => {
        const end = skipValue(body, at)
        members.set(body.toString('utf8', keyStart, keyEnd), [at, end])
        return end
      })
      this.#members = members
    }
    return this.#members.get(name) ?? NOWHERE
  }
}

/** Of a request whose body nobody reads. */
export function plainFacts(x: FactsSource, surface: string, model: string): RequestFacts {
  return new ExchangeFacts(x, {
    surface,
    model,
    stream: false,
    inputTokens: 0,
    outputTokens: 0,
    namedOutputTokens: null,
    mediaItems: 0,
    body: null,
    conversation: null,
  })
}

/** Where the user's first message stands; without one, all of the conversation. */
function firstTurn(body: Buffer, start: number): readonly [start: number, end: number] {
  let found: readonly [number, number] | null = null
  const end = walkItems(body, start, (at) => {
    // In Gemini's words a role may be missing: it is then the user's. An item of another kind than a message has none.
    let isUser = body[at] === OPEN_BRACE
    let hasRole = false
    const after = walkMembers(body, at, (value, keyStart, keyEnd) => {
      const next = skipValue(body, value)
      const key = body.toString('latin1', keyStart, keyEnd)
      if (key === 'role') {
        hasRole = true
        isUser = body.toString('latin1', value, next) === '"user"'
      } else if (key === 'type' && !hasRole) isUser = false
      return next
    })
    if (!isUser) return after
    found = [at, after]
    return body.length // nothing that follows is of interest
  })
  return found ?? [start, end]
}

const FNV_START = 0x811c9dc5

/** FNV-1a over head, tail and length of a part. */
function hashPart(bytes: Buffer, start: number, end: number, seed: number): number {
  const length = end - start
  if (length <= 2 * HASHED_BYTES) return hashBytes(bytes, start, end, seed)
  const head = hashBytes(bytes, start, start + HASHED_BYTES, Math.imul(seed ^ length, 0x01000193))
  return hashBytes(bytes, end - HASHED_BYTES, end, head)
}

function hashBytes(bytes: Buffer, start: number, end: number, seed: number): number {
  let hash = seed
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193)
  return hash
}

function hashOrNone(text: string | null): number {
  return text === null || text === '' ? -1 : hashText(text)
}

function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null
}
