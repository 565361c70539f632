import { GatewayError } from '../../../core/index.ts'
import { createScanner, type Edit, patchTopLevel, readString } from '../../../lib/index.ts'
import { promptsAt } from '../../conversation/request-reader.ts'
import { mostSearches } from '../../models/most-searches.ts'
import { dearestRule, type Prices, pricesSearches, worstCost } from '../../models/price.ts'
import { policyProblem } from '../../policy/check-body.ts'
import { shorten } from '../../routing/choose.ts'
import { CONVERSATIONS } from '../../surfaces/conversations.ts'
import { MOST_PICTURE_TOKENS } from '../meters.ts'
import { OPERATIONS } from '../table.ts'
import { type BatchFacts, BatchSum } from './batch-facts.ts'
import { type BatchParty, batchNanos, batchTarget } from './batch-model.ts'

const MAX_DEPTH = 128
/** More different models than this no batch has. */
const MOST_MODELS = 200
const lineScanner = createScanner(['method', 'url', 'body'], { maxDepth: MAX_DEPTH + 1 })
const BODY = ['model', 'max_completion_tokens', 'max_output_tokens', 'max_tokens', 'n', 'best_of', 'prompt'] as const
const bodyScanner = createScanner([...BODY], { maxDepth: MAX_DEPTH })
/** Vendors differ in which of the names they follow: only the largest bounds the cost. */
const LIMITS = [1, 2, 3] as const
const ANSWERS = [4, 5] as const
const PROMPT = 6
const CACHED = Buffer.from('"cache_control"')

/** What lines may call, and the scope that a key needs for it. */
const SCOPES: ReadonlyMap<string, string> = new Map([
  ...CONVERSATIONS.filter(({ readPath }) => readPath === null).map(({ path, scope }) => [path, scope] as const),
  ...OPERATIONS.map(({ path, scope }) => [path, scope] as const),
])
/** Endpoints whose models answer with nothing that counts as output. */
const SILENT = /\/(?:embeddings|moderations|rerank)$/
/** Endpoints whose models make pictures. */
const PICTURES = /\/images\/[a-z]+$/
/** Text completions: each entry of a list of prompts has answers of its own. */
const COMPLETIONS = /^(?:\/v1)?\/completions$/
const DEFAULT_MODELS: ReadonlyMap<string, string | null> = new Map(
  OPERATIONS.map(({ path, defaultModel }) => [path, defaultModel]),
)

export interface BatchLinesOptions extends BatchParty {
  /** What the provider calls a model. */
  readonly nameOf: (model: string) => string
  /** Jobs of this provider name the model, its lines need not. */
  readonly modelInJob: boolean
  readonly bytesPerToken: number
  /** Supposed of a line that sets no limit. */
  readonly outputTokens: number
  /** Supposed of a line that may search and names no maximum. */
  readonly webSearches: number
  readonly atMs: number
  /** Puts what a body refers to in the provider's words. */
  readonly refer: (body: Buffer) => Buffer | GatewayError
}

/** Reads the lines of a batch's input one by one: refuses what the key may not ask for, and names models as the provider does. */
export class BatchLines {
  readonly #options: BatchLinesOptions
  readonly #sum = new BatchSum()
  #number = 0

  constructor(options: BatchLinesOptions) {
    this.#options = options
  }

  get facts(): BatchFacts {
    return this.#sum.facts
  }

  /** Number of the line that comes next. */
  get next(): number {
    return this.#number + 1
  }

  /** The line as it goes to the provider, without its end; an error names its number. */
  line(line: Buffer): Buffer | GatewayError {
    this.#number++
    if (isBlank(line)) return line
    const read = this.#read(line)
    return read instanceof GatewayError ? atLine(this.#number, read) : read
  }

  /** One request of a batch that comes as one body, as it goes to the provider; an error names its number. */
  request(params: Buffer, url: string): Buffer | GatewayError {
    const place = `requests.${this.#number++}.params`
    const read = this.#checkUrl(url) ?? this.#body(params, url)
    if (!(read instanceof GatewayError)) return read
    const message = `Request ${this.#number} of the batch: ${read.message}`
    return new GatewayError(read.code, message, { param: read.param === 'model' ? `${place}.model` : place })
  }

  #read(line: Buffer): Buffer | GatewayError {
    const scanned = lineScanner.scan(line)
    if (scanned.kind !== 'object') return invalid(`is not one JSON object: see byte ${scanned.offset} of it`)
    const url = scanned.has(1) ? readString(line, scanned.valueStart(1), scanned.valueEnd(1)) : null
    if (!scanned.has(2)) return invalid('has no "body"', 'body')
    const [from, to] = [scanned.valueStart(2), scanned.valueEnd(2)]
    const refused = this.#checkUrl(url)
    if (refused !== null) return refused
    const body = this.#body(line.subarray(from, to), url)
    if (body instanceof GatewayError) return body
    return Buffer.concat([line.subarray(0, from), body, line.subarray(to)])
  }

  #checkUrl(url: string | null): GatewayError | null {
    const { principal, modelInJob } = this.#options
    if (url === null) return modelInJob ? null : invalid('has no "url"', 'url')
    const scope = SCOPES.get(pathOf(url))
    if (scope === undefined) {
      const isFree = principal.mayUseAll && principal.charged.budgets === null
      return isFree ? null : invalid(`calls "${shorten(url)}", of which nothing is known here`, 'url')
    }
    if (principal.scopes === null || principal.scopes.has(scope)) return null
    const message = `This API key lacks the scope "${scope}", which a line with "url": "${shorten(url)}" needs.`
    return new GatewayError('insufficient_scope', message, { param: 'url' })
  }

  #body(sent: Buffer, url: string | null): Buffer | GatewayError {
    const { refer, modelInJob, nameOf, bytesPerToken, outputTokens, webSearches, atMs } = this.#options
    const body = refer(sent)
    if (body instanceof GatewayError) return body
    const scanned = bodyScanner.scan(body)
    if (scanned.kind !== 'object') return invalid('has a "body" that is no JSON object', 'body')
    const { ruling } = this.#options.principal
    const refused = ruling?.readsBodies === true ? policyProblem(ruling, body) : null
    if (refused !== null) return refused
    const said = scanned.has(0) ? readString(body, scanned.valueStart(0), scanned.valueEnd(0)) : null
    const name = said ?? (url === null ? null : (DEFAULT_MODELS.get(pathOf(url)) ?? null))
    if (scanned.has(0) && (said === null || said === '')) return invalid('has a "model" that is no name', 'model')
    if (name === null) {
      if (!modelInJob) return invalid('names no "model"', 'model')
      this.#sum.add(null, Math.ceil(body.length / bytesPerToken) + outputTokens, null)
      return body
    }
    const target = batchTarget(this.#options, name)
    if (target instanceof GatewayError) return target
    const input = Math.ceil(body.length / bytesPerToken)
    const counts = (indexes: readonly number[]) =>
      indexes.flatMap((index) =>
        scanned.has(index) ? (countAt(body, scanned.valueStart(index), scanned.valueEnd(index)) ?? []) : [],
      )
    const limits = counts(LIMITS)
    const isSilent = url !== null && SILENT.test(url)
    const isPicture = url !== null && PICTURES.test(url)
    const limit = isPicture ? MOST_PICTURE_TOKENS : limits.length === 0 ? outputTokens : Math.max(...limits)
    const hasPrompts = url !== null && COMPLETIONS.test(url) && scanned.has(PROMPT)
    const prompts = hasPrompts ? promptsAt(body, scanned.valueStart(PROMPT)) : 1
    const answers = Math.max(1, ...counts(ANSWERS)) * prompts
    const most = Math.min(isSilent ? 0 : limit * answers, Number.MAX_SAFE_INTEGER - input)
    const { prices } = target
    // What is written to a cache costs more than what is read, and a picture more than a text.
    const isDearest = (isPicture || body.includes(CACHED)) && prices !== null
    const nanos = isDearest ? worstCost(prices, input, most, atMs) : batchNanos(target, input, most, atMs)
    const searched = prices === null ? 0 : searchesCost(prices, mostSearches(body, webSearches), { answers, atMs })
    this.#sum.add(name, input + most, nanos === null ? null : nanos + searched)
    if (this.#sum.modelCount > MOST_MODELS) return invalid(`names model number ${MOST_MODELS + 1} of its file`, 'model')
    const model = nameOf(target.model)
    if (said === model) return body
    const edit: Edit = { kind: 'set', index: 0, json: JSON.stringify(model) }
    return patchTopLevel(body, scanned, [edit])
  }
}

/** What a vendor's own searches for an answer cost at most: they have no price of their own in batches. */
function searchesCost(
  prices: Prices,
  searches: number,
  { answers, atMs }: { readonly answers: number; readonly atMs: number },
): number {
  if (searches === 0 || !pricesSearches(prices)) return 0
  return dearestRule(prices, 0, 0, { searches: searches * answers, answers, atMs }).nanos
}

/** Some vendors' lines leave the version out. */
function pathOf(url: string): string {
  return url.startsWith('/v1/') ? url : `/v1${url}`
}

function countAt(body: Buffer, from: number, to: number): number | null {
  if (to - from > 16) return Number.MAX_SAFE_INTEGER
  const count = Number(body.toString('latin1', from, to))
  return Number.isSafeInteger(count) && count >= 0 ? count : null
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09)
}

function invalid(what: string, param = 'file'): GatewayError {
  return new GatewayError('invalid_request', `It ${what}.`, { param })
}

/** The same error, which says where it is. */
export function atLine(number: number, error: GatewayError): GatewayError {
  const param = error.param === null ? {} : { param: error.param }
  return new GatewayError(error.code, `Line ${number} of the batch: ${error.message}`, param)
}
