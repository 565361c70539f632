import type { Exchange } from '../../core/index.ts'
import type { Usage } from '../models/price.ts'
import type { ModelTarget } from '../models/target.ts'
import type { ConversationRequest } from './request.ts'

/** What the chat surface knows of one request; lives in `x.surface`. */
export class ConversationState {
  readonly modelRequested: string
  readonly stream: boolean
  readonly asksUsage: boolean
  readonly maxOutputTokens: number | null
  readonly choices: number
  readonly textBytes: number
  readonly mediaItems: number
  readonly messageBytes: number
  target: ModelTarget | null = null
  /** The patched body, made at once for the first target while the scan is valid. */
  prepared: Buffer | null = null
  preparedFor: ModelTarget | null = null
  /** As the upstream reported it. */
  usage: Usage | null = null
  /** Estimated output tokens that came from the upstream. */
  deliveredTokens = 0
  /** Those among them that a stream brought after its last report of usage: some come early, or as it goes. */
  unreportedTokens = 0
  /** The upstream began a successful answer: what it made is charged. */
  answered = false

  constructor(request: ConversationRequest) {
    this.modelRequested = request.model
    this.stream = request.stream
    this.asksUsage = request.asksUsage
    this.maxOutputTokens = request.maxOutputTokens
    this.choices = request.choices
    this.textBytes = request.textBytes
    this.mediaItems = request.mediaItems
    this.messageBytes = request.messageBytes
  }
}

/** The state of a chat request that passed `inspect`, else null. */
export function conversationStateOf(x: Exchange): ConversationState | null {
  return x.surface instanceof ConversationState ? x.surface : null
}
