import { type Exchange, GatewayError, headerLines } from '../../core/index.ts'
import { type Edit, patchInPieces, patchTopLevel } from '../../lib/index.ts'
import type { ConversationState } from '../conversation/conversation-state.ts'
import { FIELD } from '../conversation/fields.ts'
import type { ConversationRequest } from '../conversation/request-reader.ts'
import type { Capabilities, ClientDialect, UpstreamDialect } from '../dialects/dialect.ts'
import { addressesOf, withMedia } from '../dialects/media-addresses.ts'
import type { TokenCountDialect } from '../dialects/token-counts.ts'
import { isObject, type JsonObject } from '../ir/json.ts'
import { Losses } from '../ir/losses.ts'
import type { ModelRequest } from '../ir/request.ts'
import { fetchedMedia } from '../media/fetched-media.ts'
import type { Endpoint } from '../providers/endpoint.ts'
import { QuirkPatcher } from '../providers/quirk-patcher.ts'
import { BetaMember } from '../relay/betas.ts'
import { ChatHabits } from '../relay/chat-habits.ts'
import { Inabilities } from '../relay/inabilities.ts'
import { RefusedMembers, refusedBy } from '../relay/refused-members.ts'
import { withRestoredSeals } from '../seals/restore-seals.ts'
import type { CacheMarking } from '../translate/cache-marks.ts'
import { lower, type OnUnsupported } from '../translate/lower.ts'
import {
  lossy,
  type OnLoss,
  type Translation,
  type TranslationTarget,
  translateRequest,
} from '../translate/translation.ts'

export interface TargetEndpointOptions {
  readonly endpoint: Endpoint
  readonly model: string
  /** As its vendor calls it, where the upstream calls it otherwise (a deployment); absent: the same. */
  readonly vendorName?: string | undefined
  readonly capabilities: Capabilities
  readonly onUnsupported: OnUnsupported
  readonly onLoss: OnLoss
  /** Absent: only clients mark what shall be kept of prompts. */
  readonly cacheMarks?: CacheMarking | undefined
  /** Bytes may be fetched for a request that was prepared before. */
  readonly fetchesMedia?: boolean
  /** Tells the operator what is left out, where the configuration asks for it; absent: nobody listens. */
  readonly warn?: ((message: string, names: readonly string[]) => void) | undefined
  /** Flat; the provider's own, with its credential. */
  readonly headers: readonly string[]
  /** Null where nothing is ever translated for it. */
  readonly dialect: UpstreamDialect | null
}

/** A body that is ready to be sent to one endpoint, and how its answer comes back. */
export interface PreparedRequest {
  readonly endpoint: TargetEndpoint
  readonly body: Buffer
  /** The same as pieces of the client's own body, where joining them would cost. */
  readonly pieces?: readonly Buffer[]
  /** Null: the client speaks the endpoint's dialect, and the answer is relayed. */
  readonly translation: Translation | null
}

/** Larger bodies are not copied for the sake of a member or two. */
const JOINED_BYTES = 16_384

class PiecedRequest implements PreparedRequest {
  readonly endpoint: TargetEndpoint
  readonly pieces: readonly Buffer[]
  readonly translation = null
  #body: Buffer | null = null

  constructor(endpoint: TargetEndpoint, pieces: readonly Buffer[]) {
    this.endpoint = endpoint
    this.pieces = pieces
  }

  get body(): Buffer {
    this.#body ??= Buffer.concat(this.pieces)
    return this.#body
  }
}

/** What would become of a request. */
export interface Fate {
  readonly relayed: boolean
  readonly dropped: readonly string[]
  readonly adapted: readonly string[]
}

/** One way to one model: everything about it that does not depend on the request. */
export class TargetEndpoint {
  readonly endpoint: Endpoint
  /** Credential and content type, as they go over the wire. */
  readonly fixed: string
  /** Names of the headers that the provider's configuration sets: a client's own do not go beside them. */
  readonly ownHeaders: ReadonlySet<string>
  readonly dialect: UpstreamDialect | null
  readonly #modelJson: string
  readonly #model: string
  readonly #patcher: QuirkPatcher | null
  readonly #refused: RefusedMembers | null
  /** Null where nothing is known that its model could not be asked for. */
  readonly #inabilities: Inabilities | null
  /** Null where betas go by their header. */
  readonly #betas: BetaMember | null
  /** Null for other dialects. */
  readonly #chat: ChatHabits | null
  readonly #options: TargetEndpointOptions
  readonly #target: TranslationTarget | null
  readonly #paths: readonly [whole: string, stream: string]

  constructor(options: TargetEndpointOptions) {
    const { endpoint, model, vendorName = model, dialect } = options
    const headers = joined(options.headers, endpoint.headers)
    this.endpoint = endpoint
    const [, traits] = endpoint.traits?.find(([models]) => models.test(vendorName)) ?? []
    this.dialect = dialect === null ? null : { ...dialect, traits: { ...dialect.traits, ...traits } }
    this.fixed = headerLines(headers)
    this.ownHeaders = new Set(headers.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase()))
    this.#model = model
    this.#modelJson = JSON.stringify(model)
    this.#paths = [endpoint.path(model, false), endpoint.path(model, true)]
    const patcher = endpoint.quirks === null ? null : new QuirkPatcher(endpoint.quirks)
    this.#patcher = patcher
    this.#options = options
    const action = options.onUnsupported === 'reject' ? 'reject' : 'leave-out'
    const { capabilities, onUnsupported, onLoss, cacheMarks } = options
    this.#refused = RefusedMembers.of(endpoint.dialect, refusedBy(capabilities), action)
    this.#inabilities = Inabilities.of(endpoint.dialect, capabilities, this.dialect?.traits.output)
    this.#betas = endpoint.betas === undefined ? null : new BetaMember(endpoint.betas)
    this.#chat = ChatHabits.of(endpoint, vendorName, capabilities)
    this.#target =
      this.dialect === null
        ? null
        : {
            dialect: this.dialect,
            model,
            habits: endpoint.habits ?? undefined,
            capabilities,
            onUnsupported,
            onLoss,
            cacheMarks,
            patch: patchOf(endpoint, patcher),
          }
  }

  /** Whose seals its model understands. */
  get family(): Capabilities['family'] {
    return this.#options.capabilities.family
  }

  /** What the provider calls the model. */
  get modelName(): string {
    return this.#model
  }

  path(stream: boolean): string {
    return this.#paths[stream ? 1 : 0]
  }

  /** Whether a body in its dialect asks for what its model is known not to do: then it is put into other words. */
  isBeyond(body: Buffer, hasMedia: boolean): boolean {
    return this.#inabilities?.isAsked(body, hasMedia) === true
  }

  /** The client's own body, patched at its top level while its scan is valid. */
  relay(
    x: Exchange,
    state: ConversationState,
    body: Buffer,
    request: ConversationRequest,
  ): PreparedRequest | GatewayError {
    const edits: Edit[] = []
    if (this.endpoint.frames === true) edits.push({ kind: 'remove', index: FIELD.stream })
    if (!this.endpoint.modelInBody) edits.push({ kind: 'remove', index: FIELD.model })
    else if (request.model !== this.#model) edits.push({ kind: 'set', index: FIELD.model, json: this.#modelJson })
    if (this.endpoint.habits?.streamUsage === false) edits.push({ kind: 'remove', index: FIELD.streamOptions })
    else if (request.stream && !request.asksUsage) {
      edits.push({ kind: 'set', index: FIELD.streamOptions, json: request.usageOptions })
    }
    this.#chat?.addEdits(edits, body, request.scanned)
    const betas = this.#betas
    const isPlain = this.#refused === null && this.#patcher === null && betas === null
    if (isPlain && edits.length > 0 && body.length > JOINED_BYTES) {
      return new PiecedRequest(this, patchInPieces(body, request.scanned, edits))
    }
    let patched = edits.length === 0 ? body : patchTopLevel(body, request.scanned, edits)
    if (isPlain) return { endpoint: this, body: patched, translation: null }
    const losses = new Losses()
    if (this.#refused !== null) {
      const taken = this.#refused.apply(patched, losses)
      if (taken instanceof GatewayError) return taken
      patched = taken
      this.#warnOfRefused(losses.dropped)
    }
    if (this.#patcher !== null) patched = this.#patcher.relay(patched, losses)
    if (betas !== null) patched = betas.apply(x, patched, losses)
    state.losses = losses
    return { endpoint: this, body: patched, translation: null }
  }

  /** What would become of a client's request; it goes nowhere. */
  probe(client: ClientDialect, body: JsonObject, relayed: boolean): Fate | GatewayError {
    const losses = new Losses()
    const bytes = Buffer.from(JSON.stringify(body))
    if (relayed && !this.isBeyond(bytes, true)) {
      const taken = this.#refused === null ? bytes : this.#refused.apply(bytes, losses)
      if (taken instanceof GatewayError) return taken
      const sent = this.#patcher === null ? taken : this.#patcher.relay(taken, losses)
      // What is not there any more by its own name is said in the provider's.
      const after: unknown = JSON.parse(sent.toString('utf8'))
      for (const name of Object.keys(body)) {
        if (isObject(after) && !(name in after) && !losses.dropped.includes(name)) losses.adapt(name)
      }
      return { relayed, dropped: losses.dropped, adapted: losses.adapted }
    }
    if (this.#target === null) return new GatewayError('invalid_request', 'This model is not translated to.')
    const translation = translateRequest(client, bytes, { path: null }, { ...this.#target, onLoss: 'allow' })
    if (translation instanceof GatewayError) return translation
    return { relayed: false, dropped: translation.losses.dropped, adapted: translation.losses.adapted }
  }

  /** The body that asks how many tokens a request has. */
  countBody(request: ModelRequest, counts: TokenCountDialect): JsonObject {
    const target = this.#target
    if (target === null) throw new Error(`${this.endpoint.dialect} counts nothing`)
    const { dialect, model, capabilities, onUnsupported, habits } = target
    const losses = new Losses()
    const lowered = lower(request, { traits: dialect.traits, capabilities, onUnsupported }, losses)
    return counts.encodeRequest(lowered.request, { model, capabilities, losses, habits })
  }

  /** The client's request in the endpoint's dialect. */
  translate(x: Exchange, state: ConversationState, body: Buffer): PreparedRequest | GatewayError {
    if (this.#target === null) {
      return new GatewayError('invalid_request', `This model does not speak ${state.surface.dialect}.`)
    }
    const { seals } = state
    const media = fetchedMedia(x)
    const restore = (told: ModelRequest): ModelRequest => {
      const sealed = seals === null ? told : withRestoredSeals(told, seals, this.family)
      return media === null ? sealed : withMedia(sealed, media)
    }
    const whole = seals === null && media === null ? this.#target : { ...this.#target, restore }
    // What is lost as long as it is not fetched is no loss yet.
    const isHeld = this.#options.fetchesMedia === true
    const judgedLater = isHeld && whole.onLoss === 'reject'
    const onLoss = judgedLater ? 'allow' : whole.onLoss
    const isProvisional = (request: ModelRequest) => addressesOf(request, this.endpoint.dialect) !== null
    const target = isHeld ? { ...whole, onLoss, isProvisional } : whole
    const beside = { path: state.pathFacts, header: (name: string) => x.head.get(name) }
    const translation = translateRequest(state.surface.client, body, beside, target)
    if (translation instanceof GatewayError) return translation
    const isLost = judgedLater && translation.losses.fidelity === 'lossy'
    if (isLost && addressesOf(translation.request, this.endpoint.dialect) === null) return lossy(translation.losses)
    state.losses = translation.losses
    this.#warnOf(translation.losses)
    x.wantsStream = state.stream
    return { endpoint: this, body: translation.body, translation }
  }

  #warnOf(losses: Losses): void {
    const { warn, onLoss, capabilities } = this.#options
    if (warn === undefined || losses.fidelity !== 'lossy') return
    const { dropped } = losses
    this.#warnOfRefused(dropped.filter((name) => capabilities.refuses.has(name)))
    if (onLoss === 'warn') warn('translations to a model lose parts of requests', dropped)
  }

  #warnOfRefused(names: readonly string[]): void {
    const { warn, onUnsupported } = this.#options
    if (names.length === 0 || onUnsupported !== 'warn') return
    warn?.('a model does not take parameters of requests; they are left out', names)
  }
}

/** Flat lists of headers as one; where both have a name, the first says what it is. */
function joined(own: readonly string[], more: readonly string[]): string[] {
  const headers = [...own]
  const names = new Set(own.filter((_, at) => at % 2 === 0))
  for (let at = 0; at + 1 < more.length; at += 2) {
    if (!names.has(more[at] ?? '')) headers.push(more[at] ?? '', more[at + 1] ?? '')
  }
  return headers
}

/** What is done to a body that an encoder made. */
function patchOf({ modelInBody }: Endpoint, patcher: QuirkPatcher | null): TranslationTarget['patch'] {
  if (modelInBody) return patcher === null ? null : (body, losses) => patcher.translated(body, losses)
  return (encoded, losses) => {
    const body: Record<string, unknown> = { ...encoded }
    delete body['model']
    return patcher === null ? body : patcher.translated(body, losses)
  }
}
