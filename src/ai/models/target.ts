import {
  type AnswerTap,
  type Candidate,
  type Exchange,
  GatewayError,
  headerLines,
  type Upstream,
  type UpstreamRequest,
} from '../../core/index.ts'
import type { Estimate } from '../../governance/index.ts'
import { type Edit, patchTopLevel } from '../../lib/index.ts'
import type { RequestSeries } from '../../observability/index.ts'
import { type ConversationState, conversationStateOf } from '../conversation/conversation-state.ts'
import { FIELD } from '../conversation/fields.ts'
import { MEDIA_TOKENS } from '../conversation/media.ts'
import { type ConversationRequest, readChatRequest } from '../conversation/request.ts'
import { FORWARDED_HEADERS } from '../providers/forwarded-headers.ts'
import { ChatTap } from '../relay/chat-tap.ts'
import { type Prices, worstCost } from './price.ts'

export interface ModelTargetOptions {
  readonly provider: string
  readonly model: string
  readonly upstream: Upstream
  readonly path: string
  /** Flat; holds the provider's credential. */
  readonly headers: readonly string[]
  /** Values that must never reach a client. */
  readonly secrets: readonly string[]
  readonly prices: Prices | null
  readonly maxOutputTokens: number | null
  readonly reservation: ReservationRule
  readonly series: RequestSeries
}

export interface ReservationRule {
  readonly bytesPerToken: number
  readonly outputTokens: number
}

/** One upstream model that serves chat completions by relay. */
export class ModelTarget implements Candidate {
  readonly name: string
  readonly provider: string
  readonly model: string
  readonly upstream: Upstream
  readonly prices: Prices | null
  readonly series: RequestSeries
  readonly secrets: readonly Buffer[]
  /** The same, for headers. */
  readonly secretTexts: readonly string[]
  /** This target alone, as a list of candidates. */
  readonly asList: readonly Candidate[]
  readonly #options: ModelTargetOptions
  readonly #modelJson: string
  readonly #providerJson: string
  /** Credential and content type, as they go over the wire. */
  readonly #fixed: string
  readonly #priceRuleJson: string
  /** Names of the headers that the provider's configuration sets: a client's own do not go beside them. */
  readonly #ownHeaders: ReadonlySet<string>

  constructor(options: ModelTargetOptions) {
    this.#options = options
    this.asList = [this]
    this.name = `${options.provider}/${options.model}`
    this.provider = options.provider
    this.model = options.model
    this.upstream = options.upstream
    this.prices = options.prices
    this.series = options.series
    this.secretTexts = options.secrets.filter((secret) => secret.length >= 4)
    this.secrets = this.secretTexts.map((secret) => Buffer.from(secret))
    this.#fixed = headerLines(options.headers)
    this.#ownHeaders = new Set(options.headers.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase()))
    this.#modelJson = JSON.stringify(options.model)
    this.#providerJson = JSON.stringify(options.provider)
    this.#priceRuleJson = JSON.stringify(options.prices?.rule ?? null)
  }

  /** Patches the body while its scan is valid. */
  prepare(body: Buffer, request: ConversationRequest): Buffer {
    const edits: Edit[] = []
    if (request.model !== this.model) edits.push({ kind: 'set', index: FIELD.model, json: this.#modelJson })
    if (request.stream && !request.asksUsage) {
      edits.push({ kind: 'set', index: FIELD.streamOptions, json: request.usageOptions })
    }
    return edits.length === 0 ? body : patchTopLevel(body, request.scanned, edits)
  }

  /** What the request may cost at most, tokens by the rule of the configuration. */
  estimate(state: ConversationState): Estimate {
    const { bytesPerToken } = this.#options.reservation
    const input = Math.ceil(state.textBytes / bytesPerToken) + state.mediaItems * MEDIA_TOKENS
    // The product of two large numbers of the client's: beyond what counts exactly it is beyond every budget.
    const output = Math.min(this.mostOutput(state), Number.MAX_SAFE_INTEGER - input)
    return {
      tokens: input + output,
      nanos: this.prices === null ? null : worstCost(this.prices, input, output),
      providerJson: this.#providerJson,
      modelJson: this.#modelJson,
      priceRuleJson: this.#priceRuleJson,
    }
  }

  /** The output tokens that are reserved: what the request names, else what the configuration supposes. */
  mostOutput(state: ConversationState): number {
    const { outputTokens } = this.#options.reservation
    const unnamed = Math.min(this.#options.maxOutputTokens ?? outputTokens, outputTokens)
    return (state.maxOutputTokens ?? unnamed) * state.choices
  }

  encode(x: Exchange): UpstreamRequest {
    const state = stateOf(x)
    const body = state.preparedFor === this ? state.prepared : prepareAgain(this, x)
    state.prepared = null
    state.preparedFor = null
    return { method: 'POST', path: this.#options.path, fixed: this.#fixed, headers: this.#headersFor(x), body }
  }

  open(x: Exchange): AnswerTap {
    return new ChatTap(x, this, stateOf(x))
  }

  #headersFor(x: Exchange): string[] {
    const headers: string[] = []
    const { names, values } = x.head
    let seen = ''
    let traceState: string | null = null
    for (let at = 0; at < names.length; at++) {
      const name = names[at] as string // in range
      // A repeated header goes once: the first one.
      if (name === 'tracestate') {
        const value = values[at] as string // same length as names
        traceState = traceState === null ? value : `${traceState},${value}`
        continue
      }
      if (!FORWARDED_HEADERS.has(name) || this.#ownHeaders.has(name) || seen.includes(`|${name}|`)) continue
      seen += `|${name}|`
      headers.push(name, values[at] as string) // same length as names
    }
    // Several lines are one list, and without a valid traceparent it means nothing (W3C Trace Context, sections 3.3 and 4.2).
    if (traceState !== null && x.head.traceId !== null && !this.#ownHeaders.has('tracestate'))
      headers.push('tracestate', traceState)
    headers.push('traceparent', `00-${x.traceId}-${x.gateway.ids.spanId()}-${x.head.traceFlags === 1 ? '01' : '00'}`)
    return headers
  }
}

/** For a further attempt: the scan of the first one is gone, the body is still here. */
function prepareAgain(target: ModelTarget, x: Exchange): Buffer {
  const body = x.body
  const request = body === null ? null : readChatRequest(body)
  if (body === null || request === null || request instanceof GatewayError)
    throw new Error(`request ${x.id} lost its body`)
  return target.prepare(body, request)
}

function stateOf(x: Exchange): ConversationState {
  const state = conversationStateOf(x)
  if (state === null) throw new Error(`request ${x.id} is not a chat request`)
  return state
}
