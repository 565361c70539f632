import {
  type AnswerTap,
  type Candidate,
  type Exchange,
  GatewayError,
  type Heartbeat,
  type Upstream,
  type UpstreamRequest,
} from '../../core/index.ts'
import type { Estimate } from '../../governance/index.ts'
import type { RequestSeries } from '../../observability/index.ts'
import { type ConversationState, conversationStateOf } from '../conversation/conversation-state.ts'
import type { ConversationRequest } from '../conversation/request-reader.ts'
import { namesStoredInput } from '../conversation/stored-input.ts'
import type { ClientDialect } from '../dialects/dialect.ts'
import type { DialectName } from '../dialects/name.ts'
import type { JsonObject } from '../ir/json.ts'
import type { SecretSet } from '../providers/secret-set.ts'
import type { ProviderUpstream } from '../providers/upstreams.ts'
import { IdTap } from '../relay/id-tap.ts'
import type { CostTold } from '../relay/told-cost.ts'
import { TranslatingTap } from '../translate/translating-tap.ts'
import { forwardedHeaders } from './forwarded-headers.ts'
import type { ModelFacts } from './model-facts.ts'
import { mostSearches } from './most-searches.ts'
import { openRelay } from './open-relay.ts'
import { dearestRule, type PriceRule, type Prices, pricesSearches } from './price.ts'
import type { Fate, PreparedRequest, TargetEndpoint } from './target-endpoint.ts'

export interface ModelTargetOptions {
  readonly provider: string
  readonly model: string
  readonly upstream: Upstream
  /** Its provider as it is addressed with the target's credential; absent: it serves conversations only. */
  readonly from?: ProviderUpstream | undefined
  /** The one that translations use comes first. */
  readonly endpoints: readonly TargetEndpoint[]
  /** Values that must never reach a client. */
  readonly secrets: SecretSet
  readonly prices: Prices | null
  /** Its vendor documents that answers tell what they cost, and the configuration has no price of its own. */
  readonly tellsCost?: boolean | undefined
  /** Whether requests are refused while it has no price. */
  readonly refusesUnpriced?: boolean | undefined
  readonly maxOutputTokens: number | null
  /** For lists of models; absent: nothing is known. */
  readonly facts?: ModelFacts | undefined
  readonly reservation: ReservationRule
  /** What streams say while nothing comes; absent: nothing. */
  readonly heartbeat?: Heartbeat | null | undefined
  /** Who is told what an answer costs; absent: nobody. */
  readonly costTold?: CostTold | undefined
  readonly series: (surface: string, variant: string | null) => RequestSeries
  /** Names of the provider's credentials that it may use; absent: one without a name. */
  readonly credentials?: readonly string[] | undefined
  /** Says whose turn it is of them; absent: there is one. */
  readonly nextLane?: (() => number) | undefined
}

export interface ReservationRule {
  readonly bytesPerToken: number
  readonly outputTokens: number
  /** Searches of a request that may search and names no maximum. */
  readonly webSearches: number
  /** What is reserved for input that lies at the vendor and whose size nobody knows; absent: nothing. */
  readonly unknownInput?: 'nothing' | 'context_window'
}

/** What a conversation may use at most. */
interface MostUsed {
  readonly input: number
  readonly output: number
  readonly state: ConversationState
  readonly body: Buffer | null
}

const ONE_CREDENTIAL = ['1']

/** One model of one provider: relays to it in its own dialects, and translates to it from all others. */
export class ModelTarget implements Candidate {
  readonly name: string
  readonly provider: string
  readonly model: string
  readonly upstream: Upstream
  readonly prices: Prices | null
  readonly tellsCost: boolean
  /** This target alone, as a list of candidates. */
  readonly asList: readonly Candidate[]
  readonly #options: ModelTargetOptions
  readonly #endpoints: ReadonlyMap<DialectName, TargetEndpoint>
  readonly #preferred: TargetEndpoint
  readonly #series = new Map<string, RequestSeries>()
  readonly #providerJson: string
  readonly #modelJson: string
  /** Names of rules as JSON text, each made once. */
  readonly #ruleJson = new Map<PriceRule | null, string>()

  constructor(options: ModelTargetOptions) {
    const [preferred] = options.endpoints
    if (preferred === undefined) throw new Error(`${options.provider} has no endpoint for conversations`)
    this.#options = options
    this.#preferred = preferred
    this.#endpoints = new Map(options.endpoints.map((endpoint) => [endpoint.endpoint.dialect, endpoint]))
    this.asList = [this]
    this.name = `${options.provider}/${options.model}`
    this.provider = options.provider
    this.model = options.model
    this.upstream = options.upstream
    this.prices = options.prices
    this.tellsCost = options.tellsCost === true
    this.#modelJson = JSON.stringify(options.model)
    this.#providerJson = JSON.stringify(options.provider)
  }

  /** Its provider, for what is no conversation; null where nothing else is served. */
  get from(): ProviderUpstream | null {
    return this.#options.from ?? null
  }

  get heartbeat(): Heartbeat | null {
    return this.#options.heartbeat ?? null
  }

  get costTold(): CostTold {
    return this.#options.costTold ?? 'off'
  }

  /** Names of the provider's credentials that it may use, by lane. */
  get credentials(): readonly string[] {
    return this.#options.credentials ?? ONE_CREDENTIAL
  }

  /** Values that must never reach a client, as they are now. */
  get secrets(): readonly Buffer[] {
    return this.#options.secrets.bytes
  }

  /** The same, for headers. */
  get secretTexts(): readonly string[] {
    return this.#options.secrets.texts
  }

  /** Metrics of requests that this target serves to one surface, and as one variant of a test. */
  series(surface: string, variant: string | null = null): RequestSeries {
    const key = variant === null ? surface : `${surface}\n${variant}`
    let series = this.#series.get(key)
    if (series === undefined) {
      series = this.#options.series(surface, variant)
      this.#series.set(key, series)
    }
    return series
  }

  /** The first of its endpoints whose dialect this holds for; null for none. */
  endpointWhere(holds: (dialect: DialectName) => boolean): TargetEndpoint | null {
    for (const [dialect, endpoint] of this.#endpoints) {
      if (endpoint.endpoint.frames !== true && holds(dialect)) return endpoint
    }
    return null
  }

  /** What would become of a client's request with this model. */
  probe(client: ClientDialect, body: JsonObject): Fate | GatewayError {
    const own = this.#endpoints.get(client.name)
    return own === undefined ? this.#preferred.probe(client, body, false) : own.probe(client, body, true)
  }

  /** Makes the body for the upstream, while the request's scan is valid. */
  prepare(
    x: Exchange,
    state: ConversationState,
    body: Buffer,
    request: ConversationRequest,
  ): PreparedRequest | GatewayError {
    const own = this.#endpoints.get(state.surface.dialect)
    const inArray = state.stream && state.pathFacts?.framing === 'json-array'
    if (own === undefined || inArray) return this.#preferred.translate(x, state, body)
    const { foreignSeals } = state.surface.client
    const isForeign = foreignSeals?.some((text) => body.includes(text)) === true
    if (!isForeign && !own.isBeyond(body, state.mediaItems > 0)) return own.relay(x, state, body, request)
    // Frames are relayed only.
    return (own.endpoint.frames === true ? this.#preferred : own).translate(x, state, body)
  }

  /** Of a request that costs nothing. */
  get freeEstimate(): Estimate {
    return {
      tokens: 0,
      nanos: 0,
      providerJson: this.#providerJson,
      modelJson: this.#modelJson,
      priceRuleJson: 'null',
    }
  }

  /** Bytes that are taken for one token when a request's cost is reserved. */
  get bytesPerToken(): number {
    return this.#options.reservation.bytesPerToken
  }

  /** The journal's words for a request that is no conversation, and what it may use at most. */
  estimateOf(tokens: number, nanos: number | null): Estimate {
    return {
      tokens,
      nanos,
      providerJson: this.#providerJson,
      modelJson: this.#modelJson,
      priceRuleJson: this.#ruleJsonOf(this.prices),
    }
  }

  /** What the request may cost at most: its input by the rule of the configuration, or as it was counted. */
  estimate(state: ConversationState, body: Buffer | null = null, counted: number | null = null): Estimate {
    const { bytesPerToken } = this.#options.reservation
    const sent = counted ?? Math.ceil(state.textBytes / bytesPerToken) + this.#mostMedia(state)
    const input = this.#withStored(sent, state, body)
    // The product of two large numbers of the client's: beyond what counts exactly it is beyond every budget.
    const output = Math.min(this.mostOutput(state), Number.MAX_SAFE_INTEGER - input)
    const dearest = this.prices === null ? null : this.#dearest(this.prices, { input, output, state, body })
    return {
      tokens: input + output,
      nanos: dearest === null ? null : dearest.nanos,
      providerJson: this.#providerJson,
      modelJson: this.#modelJson,
      priceRuleJson: this.#ruleJsonOf(dearest === null ? null : dearest.rule),
    }
  }

  /** No vendor takes more than what its model reads at once. */
  #mostMedia({ mediaTokens }: ConversationState): number {
    return Math.min(mediaTokens, this.#options.facts?.capabilities.contextTokens ?? Number.POSITIVE_INFINITY)
  }

  /** What lies at the vendor is in no body: the turns before by what they used, anything else by the operator's rule. */
  #withStored(sent: number, { storedTokens }: ConversationState, body: Buffer | null): number {
    const known = sent + (storedTokens ?? 0)
    if (this.#options.reservation.unknownInput !== 'context_window') return known
    if (storedTokens !== null && (body === null || !namesStoredInput(body))) return known
    return Math.max(known, this.#options.facts?.capabilities.contextTokens ?? 0)
  }

  #dearest(prices: Prices, { input, output, state, body }: MostUsed): ReturnType<typeof dearestRule> {
    const { choices } = state
    const searches =
      body === null || !pricesSearches(prices) ? 0 : mostSearches(body, this.#options.reservation.webSearches)
    return dearestRule(prices, input, output, {
      atMs: Date.now(),
      mayBeFast: this.#mayBeFast(body),
      searches: searches * choices,
      answers: choices,
    })
  }

  /** A speed with a price of its own must be asked for. */
  #mayBeFast(body: Buffer | null): boolean {
    const hasSpeeds = this.prices?.conditional?.some(({ when }) => when?.speed !== undefined) === true
    return hasSpeeds && (body === null || body.includes('"speed"'))
  }

  #ruleJsonOf(rule: PriceRule | null): string {
    let text = this.#ruleJson.get(rule)
    if (text === undefined) {
      text = JSON.stringify(rule === null ? null : rule.rule)
      this.#ruleJson.set(rule, text)
    }
    return text
  }

  /** What is known of its model. */
  get facts(): ModelFacts | null {
    return this.#options.facts ?? null
  }

  /** By the operator's word nobody may use it: it has no price. */
  get isRefusedUnpriced(): boolean {
    return this.prices === null && this.#options.refusesUnpriced === true
  }

  /** The output tokens that are reserved: what is asked for, by the client or for it, else what the configuration supposes. */
  mostOutput(state: ConversationState): number {
    const { prepared } = state
    const asked = prepared !== null && this.#has(prepared.endpoint) ? prepared.translation?.outputLimit : null
    if (asked !== null && asked !== undefined) return asked * state.choices
    const { outputTokens } = this.#options.reservation
    const most = this.#options.maxOutputTokens ?? outputTokens
    const setsLimit = this.#preferred.dialect?.limitOf !== undefined && !this.#endpoints.has(state.surface.dialect)
    const unnamed = setsLimit ? most : Math.min(most, outputTokens)
    return (state.maxOutputTokens ?? unnamed) * state.choices
  }

  encode(x: Exchange): UpstreamRequest {
    const state = stateOf(x)
    const prepared = this.#prepared(x, state)
    const { endpoint, pieces } = prepared
    const lane = this.#laneOf(state)
    const request = {
      method: 'POST',
      path: endpoint.path(state.stream),
      fixed: endpoint.fixed,
      headers: forwardedHeaders(x, endpoint.endpoint.forwards, endpoint.ownHeaders),
      freesBody: prepared.translation === null,
      lane,
    }
    if (pieces === undefined) return { ...request, body: prepared.body }
    return {
      ...request,
      pieces,
      get body() {
        return prepared.body
      },
    }
  }

  open(x: Exchange): AnswerTap {
    const state = stateOf(x)
    const { endpoint, translation } = this.#prepared(x, state)
    // The body is with the transport now.
    state.prepared = null
    if (translation !== null) return new TranslatingTap(x, this, state, endpoint, translation)
    const tap = openRelay(x, this, state, endpoint)
    return state.onAnswerId === null
      ? tap
      : new IdTap(tap, (id) => {
          state.answerId = id
          state.onAnswerId?.(id, { provider: this.provider, credential: state.usedCredential })
        })
  }

  /** Made anew for a further attempt: the scan of the first one is gone, the body is still here. */
  #prepared(x: Exchange, state: ConversationState): PreparedRequest {
    if (state.prepared !== null && this.#has(state.prepared.endpoint)) return state.prepared
    const { body } = x
    const request = body === null ? null : state.surface.reader.read(body, state.pathFacts)
    if (body === null || request === null || request instanceof GatewayError) {
      throw new Error(`request ${x.id} lost its body`)
    }
    const prepared = this.prepare(x, state, body, request)
    if (prepared instanceof GatewayError) throw prepared
    state.prepared = prepared
    return prepared
  }

  /** Who wants to know what an answer is called must know as well whose it is. */
  #laneOf(state: ConversationState): number | undefined {
    const { credential, onAnswerId } = state
    if (credential === null && onAnswerId === null) return undefined
    const lane = credential === null ? (this.#options.nextLane?.() ?? 0) : this.credentials.indexOf(credential)
    state.usedCredential = this.credentials[lane] ?? ''
    return lane
  }

  #has(endpoint: TargetEndpoint): boolean {
    return this.#endpoints.get(endpoint.endpoint.dialect) === endpoint
  }
}

function stateOf(x: Exchange): ConversationState {
  const state = conversationStateOf(x)
  if (state === null) throw new Error(`request ${x.id} is no conversation`)
  return state
}
