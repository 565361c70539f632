import type { AnswerFault, TokenUsage } from '../ir/answer.ts'
import type { JsonObject } from '../ir/json.ts'

/**
 * What the gateway reads of answers that it relays in one dialect. Events are only looked through for the texts below; one
 * that has none of them is never parsed.
 */
export interface AnswerMeter {
  /** Texts of which every event that tells of usage, of a fault or of the end has one. */
  readonly hints: readonly string[]
  /** What events with text hold, and the bytes of one without its text; absent: every event is taken for one. */
  readonly textEvents?: { readonly hint: string; readonly envelope: number }
  /** The usage that a whole answer tells; null when it cannot be believed. */
  readUsage(answer: JsonObject): TokenUsage | null
  /** The fault that a whole answer of status 200 tells of; null for none. */
  faultOf(answer: JsonObject): AnswerFault | null
  /**
   * An event that tells of a fault ends the stream in the dialect's own way, with more than an error of ours could say: it
   * goes on as it came when the client has begun to read.
   */
  readonly forwardsFaults?: true
  /** A new meter for one stream. */
  stream(): StreamMeter
}

/** What the events of one stream told so far. */
export interface StreamMeter {
  readonly usage: TokenUsage | null
  /** The answer is complete. */
  readonly ended: boolean
  readonly fault: AnswerFault | null
  /** An event that has one of the hints. */
  read(event: JsonObject): void
}
