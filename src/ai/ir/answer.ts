import type { JsonObject } from './json.ts'
import type { AssistantPart, Citation, Signature } from './parts.ts'
import type { DialectName } from './request.ts'

export type StopReason =
  | 'end'
  | 'stop-sequence'
  | 'length'
  | 'context-length'
  | 'tool-calls'
  /** The vendor's filter took the answer away, or cut it. */
  | 'content-filter'
  /** The model refused. */
  | 'refusal'
  /** The model waits for the client to let it go on. */
  | 'pause'
  /** The model's call of a tool, or its output, was malformed. */
  | 'malformed'
  | 'other'

export interface Stop {
  readonly reason: StopReason
  readonly sequence?: string | undefined
  /** The upstream's own word. */
  readonly raw?: string | undefined
}

/**
 * What an answer used, in counters that share nothing: their sum is what the vendor calls the total. Absent counters
 * are zero. Each decoder states the vendor's convention (what contains what) where it reads it.
 */
export interface TokenUsage {
  /** Input that was neither read from nor written to a cache, text. */
  readonly input: number
  readonly cacheRead?: number | undefined
  /** Written for the vendor's short lifetime. */
  readonly cacheWrite?: number | undefined
  readonly cacheWrite1h?: number | undefined
  /** Output without reasoning, text. */
  readonly output: number
  readonly reasoning?: number | undefined
  readonly audioInput?: number | undefined
  readonly audioOutput?: number | undefined
  readonly imageInput?: number | undefined
  readonly imageOutput?: number | undefined
  /** Searches that the vendor bills one by one. */
  readonly webSearches?: number | undefined
  /** The vendor's own price for this answer in nano-dollars, where it says one. */
  readonly costNanos?: number | undefined
  /** How it was served, in the vendor's words, where it says so: these decide the price. */
  readonly tier?: string | undefined
  readonly speed?: string | undefined
  readonly region?: string | undefined
}

/** One whole answer in the neutral form. */
export interface ModelAnswer {
  /** Whose words `extra` are in. */
  readonly dialect: DialectName
  readonly id?: string | undefined
  readonly model?: string | undefined
  /** Seconds since the epoch. */
  readonly createdAt?: number | undefined
  readonly choices: readonly Choice[]
  readonly usage?: TokenUsage | undefined
  readonly serviceTier?: string | undefined
  readonly extra?: JsonObject | undefined
}

export interface Choice {
  readonly index: number
  readonly parts: readonly AssistantPart[]
  readonly stop: Stop
  /** In the words of OpenAI's chat dialect: `{content: [...]}`. */
  readonly logprobs?: JsonObject | undefined
}

/** What an upstream reports inside an answer that looked like a success. */
export interface AnswerFault {
  readonly message: string
  /** The vendor's own word, e.g. `overloaded_error`. */
  readonly kind?: string | undefined
}

/**
 * One step of a streamed answer. Parts are numbered within their choice in the order in which they begin, and may
 * overlap. A decoder gives: `start` once, parts, `stop` for each choice, `usage` whenever it is told (the last one
 * counts), then `end` once; or `fault`, after which nothing follows.
 */
export type StreamEvent =
  | {
      readonly type: 'start'
      /** Whose words the `extra` of parts and of the end are in. */
      readonly dialect?: DialectName | undefined
      readonly id?: string | undefined
      readonly model?: string | undefined
      readonly createdAt?: number | undefined
      readonly serviceTier?: string | undefined
    }
  /** `part` is what is known at its beginning: usually an empty text, or a call without arguments (``). */
  | { readonly type: 'part-start'; readonly choice: number; readonly index: number; readonly part: AssistantPart }
  /** More of its text, or of its arguments. */
  | { readonly type: 'part-delta'; readonly choice: number; readonly index: number; readonly text: string }
  /** What else became known of it. */
  | {
      readonly type: 'part-note'
      readonly choice: number
      readonly index: number
      readonly signature?: Signature | undefined
      readonly sealed?: Signature | undefined
      readonly citation?: Citation | undefined
    }
  | { readonly type: 'part-end'; readonly choice: number; readonly index: number }
  | { readonly type: 'logprobs'; readonly choice: number; readonly logprobs: JsonObject }
  | { readonly type: 'stop'; readonly choice: number; readonly stop: Stop }
  /** `serviceTier`: where it is told with the usage, and not at the start. */
  | { readonly type: 'usage'; readonly usage: TokenUsage; readonly serviceTier?: string | undefined }
  | { readonly type: 'fault'; readonly fault: AnswerFault }
  /** `extra`: members of the answer that only the upstream's dialect knows. */
  | { readonly type: 'end'; readonly extra?: JsonObject | undefined }
