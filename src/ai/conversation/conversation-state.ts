import type { Exchange } from '../../core/index.ts'
import type { StreamEncoder } from '../dialects/dialect.ts'
import type { Losses } from '../ir/losses.ts'
import type { Usage } from '../models/price.ts'
import type { ModelTarget } from '../models/target.ts'
import type { PreparedRequest } from '../models/target-endpoint.ts'
import type { KeepSeals } from '../seals/seal-collector.ts'
import type { SealedCall } from '../seals/sealed-call.ts'
import type { ConversationRequest, PathFacts } from './request-reader.ts'
import type { Surface } from './surface.ts'

/** What is kept of a request that was read. */
type ReadRequest = Omit<ConversationRequest, 'scanned' | 'usageOptions'>

/** What is known of one request for an answer of a model; lives in `x.surface`. */
export class ConversationState {
  readonly surface: Surface
  /** What the path says, in dialects that put it there. */
  readonly pathFacts: PathFacts | null
  readonly modelRequested: string
  readonly stream: boolean
  readonly asksUsage: boolean
  readonly maxOutputTokens: number | null
  readonly choices: number
  readonly textBytes: number
  readonly mediaItems: number
  readonly mediaTokens: number
  readonly contentBytes: number
  target: ModelTarget | null = null
  /** The body for the upstream and how its answer comes back; made at once for the first target while the scan is valid. */
  prepared: PreparedRequest | null = null
  /** What was lost on the way there and back; null for a relay that lost nothing. */
  losses: Losses | null = null
  /** Where the seals of this request's answer are kept; null: nowhere. */
  keepSeals: KeepSeals | null = null
  /** Those that were kept of calls which came back without; null: none were missing, or found. */
  seals: ReadonlyMap<string, SealedCall> | null = null
  /** Of an answer that is translated as it streams: it knows how to end it with an error. */
  encoder: StreamEncoder | null = null
  /** The only credential of the provider that can serve it, by its name; null: they take turns. */
  credential: string | null = null
  /** Of the current attempt, where that is asked for. */
  usedCredential = ''
  /** Is told what the upstream called an answer that is relayed, and who made it; null: nobody asks. */
  onAnswerId: ((id: string, maker: { readonly provider: string; readonly credential: string }) => void) | null = null
  /** What the upstream called the answer of this attempt, where that is asked for. */
  answerId: string | null = null
  /** Is told at the end what such an answer used; null: nobody asks. */
  onAnswerUsed: ((id: string, tokens: number) => void) | null = null
  /** Tokens of the turns before that lie at the vendor, and that the body only names; null: there are some, and nobody knows how many. */
  storedTokens: number | null = 0
  /** The upstream goes on with the answer when this request is over: then it is charged all that was reserved for it. */
  goesOn = false
  /** As the upstream reported it. */
  usage: Usage | null = null
  /** Estimated output tokens that came from the upstream. */
  deliveredTokens = 0
  /** Those among them that a stream brought after its last report of usage: some come early, or as it goes. */
  unreportedTokens = 0
  /** Of a request that is copied: nobody will see the answer. */
  isCopy = false
  /** Has the targets of another model serve it; null: nobody can. */
  switchTo: ((x: Exchange, to: { readonly model: string; readonly counter: string }) => boolean) | null = null
  /** The model that serves in place of the one asked for, and the counter of the budget that did not cover that. */
  switched: { readonly model: string; readonly counter: string } | null = null
  /** The upstream began a successful answer: what it made is charged. */
  answered = false

  constructor(surface: Surface, request: ReadRequest, pathFacts: PathFacts | null = null) {
    this.surface = surface
    this.pathFacts = pathFacts
    this.modelRequested = request.model
    this.stream = request.stream
    this.asksUsage = request.asksUsage
    this.maxOutputTokens = request.maxOutputTokens
    this.choices = request.choices
    this.textBytes = request.textBytes
    this.mediaItems = request.mediaItems
    this.mediaTokens = request.mediaTokens
    this.contentBytes = request.contentBytes
  }

  /** The same for another exchange of the request: nothing is known of its answer, of which `unheard` leaves nothing behind. */
  again(purpose: 'answer' | 'unheard'): ConversationState {
    const {
      modelRequested: model,
      stream,
      asksUsage,
      maxOutputTokens,
      choices,
      textBytes,
      mediaItems,
      mediaTokens,
      contentBytes,
    } = this
    const read = { model, stream, asksUsage, maxOutputTokens, choices }
    const request = { ...read, textBytes, mediaItems, mediaTokens, contentBytes }
    const state = new ConversationState(this.surface, request, this.pathFacts)
    state.seals = this.seals
    state.storedTokens = this.storedTokens
    if (purpose === 'unheard') {
      state.isCopy = true
      return state
    }
    state.keepSeals = this.keepSeals
    state.credential = this.credential
    state.onAnswerId = this.onAnswerId
    state.onAnswerUsed = this.onAnswerUsed
    state.goesOn = this.goesOn
    return state
  }

  /** Another attempt follows: what came of this one is no part of its answer. */
  forgetAnswer(): void {
    this.encoder = null
    this.answerId = null
    this.usage = null
    this.deliveredTokens = 0
    this.unreportedTokens = 0
    this.answered = false
  }
}

/** The state of a request that passed `inspect` of a conversation, else null. */
export function conversationStateOf(x: Exchange): ConversationState | null {
  return x.surface instanceof ConversationState ? x.surface : null
}
