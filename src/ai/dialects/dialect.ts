import type { GatewayError } from '../../core/index.ts'
import type { ClientDialectName } from '../conversation/readers.ts'
import type { AnswerFault, ModelAnswer, StreamEvent } from '../ir/answer.ts'
import type { JsonObject } from '../ir/json.ts'
import type { Losses } from '../ir/losses.ts'
import type { ModelRequest } from '../ir/request.ts'
import type { DialectName, SealFamily } from './name.ts'

/**
 * A dialect as a client speaks it. All of it is pure: clocks and ids come with the context. `decodeRequest` throws a
 * FieldProblem (`ir/fields.ts`) for a body that is wrong in this dialect.
 */
export interface ClientDialect {
  readonly name: ClientDialectName
  decodeRequest(body: JsonObject, context: RequestContext): ModelRequest
  /**
   * Texts of which a body has one when a client gives back what another family sealed, or what nobody did: such a body is not
   * relayed, as the vendor refuses it, but translated within the dialect, which takes that out and says so.
   */
  readonly foreignSeals?: readonly string[]
  /** False: its clients do not pass over comments of server-sent events. */
  readonly readsComments?: false
  /** Refuses, by a FieldProblem, what no other dialect can carry and what must not be left out in silence. */
  checkTranslation?(request: ModelRequest): void
  encodeAnswer(answer: ModelAnswer, context: AnswerContext): JsonObject
  streamEncoder(context: AnswerContext): StreamEncoder
  /** The dialect's error object for a failure of whatever kind. */
  encodeError(error: GatewayError, requestId: string): JsonObject
}

/** What a request's path and headers say, where the dialect puts it there. */
export interface RequestContext {
  /** The model of the path (Gemini); null where the body names it. */
  readonly model: string | null
  /** Gemini's streaming is another method. */
  readonly stream: boolean
  /** A header of the client's, by its name in lower case; absent: there is none. */
  readonly header?: ((name: string) => string | null) | undefined
  readonly losses: Losses
}

/** What an answer is told besides the upstream's own words. */
export interface AnswerContext {
  /** Ours, of this request: letters and digits, unique; dialects put their prefix before it. */
  readonly id: string
  /** The model as the upstream is asked for it; for answers that do not say it. */
  readonly model: string
  /** Seconds since the epoch. */
  readonly createdAt: number
  /** The request as the client made it; what it asked for decides what an answer shows. */
  readonly request: ModelRequest
  /** Gemini's clients that do not ask for `alt=sse` read a stream as one array of JSON; absent: server-sent events. */
  readonly streamFraming?: 'sse' | 'json-array' | undefined
  readonly losses: Losses
}

/** Turns events into the bytes of one stream. Each call returns what is to be sent now, '' for nothing. */
export interface StreamEncoder {
  push(event: StreamEvent): string
  /** The dialect's own error event, after which nothing follows; at any point between two events. */
  fail(error: GatewayError, requestId: string): string
}

/** A dialect as an upstream speaks it; pure as well. */
export interface UpstreamDialect {
  readonly name: DialectName
  /** How its streams are framed. */
  readonly framing: 'sse' | 'ndjson' | 'aws-event-stream'
  readonly traits: DialectTraits
  /** The body for the upstream. What cannot be said is reported; a FieldProblem refuses. */
  encodeRequest(request: ModelRequest, context: EncodeContext): JsonObject
  /** Throws a FieldProblem for what is no answer of this dialect. `fault`: an error that came with status 200. */
  decodeAnswer(body: JsonObject, context: DecodeContext): ModelAnswer | AnswerFault
  /** The limit of output in a body for the upstream, where encoding may set one that the client did not name. */
  limitOf?(body: JsonObject): unknown
  streamDecoder(context: DecodeContext): StreamDecoder
  /** What an error body says; null when it is none of this dialect. */
  decodeError(body: JsonObject): AnswerFault | null
}

/** What a dialect cannot say at all; `lower.ts` takes it out of a request before the dialect encodes it. */
export interface DialectTraits {
  /** What a tool may be called; others are renamed and renamed back. */
  readonly toolName: { readonly pattern: RegExp; readonly longest: number }
  /** Ids of calls: others are replaced, consistently. */
  readonly callId: { readonly pattern: RegExp; readonly longest: number } | null
  /** Where instructions may stand. `leading`: only before the conversation; later ones become the user's text. */
  readonly instructions: 'anywhere' | 'leading'
  /** User and assistant take turns: neighbours of one role are merged. */
  readonly alternates: boolean
  /** Each call needs its result right behind it, and each result its call. */
  readonly pairsCalls: boolean
  /** Whether it has tools with free text as input; elsewhere they become functions with one text argument. */
  readonly customTools: boolean
  /** Whether it has groups of tools; elsewhere their names stand in front of those of their tools. */
  readonly namespaces?: true | undefined
  /** Its models check that a thought in the history is their own: one without a valid seal is refused. */
  readonly checksSeals: boolean
  /**
   * How it can ask for output of a schema, and for any JSON, as far as the model can: in words of its own, only by a tool that
   * must be called, or not at all. Absent: in its own words.
   */
  readonly output?:
    | {
        /** `json`: it can ask for any JSON, and is told the schema in words. */
        readonly schema: OutputWay | 'json'
        readonly json: OutputWay
        /** Whether its own words can hold a model to a schema without changing what the schema says; absent: to any. */
        readonly holds?: (schema: JsonObject) => boolean
      }
    | undefined
  /** Whether it can ask for several answers. */
  readonly choices: boolean
  /** The fewest tokens of a prompt that a mark makes a model keep; absent, and null of a model: it takes no marks. */
  readonly leastCached?: ((model: string, capabilities: Capabilities) => number | null) | undefined
}

export type OutputWay = 'native' | 'tool' | 'none'

/** The facts of a target that decide what an encoder writes. */
export interface EncodeContext {
  /** The upstream's name of the model. */
  readonly model: string
  readonly capabilities: Capabilities
  readonly losses: Losses
  /** Absent: the upstream speaks the dialect as its vendor does, as far as `capabilities.family` tells. */
  readonly habits?: UpstreamHabits | undefined
}

/**
 * Where an upstream differs from the vendor whose dialect it speaks; a provider's row says it. What is absent is
 * decided by the model's family.
 */
export interface UpstreamHabits {
  /** What it calls the limit of output: newer models of OpenAI refuse the first, many others do not know the second. */
  readonly outputLimit?: 'max_tokens' | 'max_completion_tokens' | undefined
  /** Whether it tells instructions of a developer from those of the system. */
  readonly developerRole?: boolean | undefined
  /** Where its messages take an array of parts instead of a text. */
  readonly contentParts?: 'all' | 'user' | undefined
  /** The member by which reasoning is asked for. */
  readonly reasoningRequest?: 'reasoning_effort' | 'reasoning' | 'thinking' | 'enable_thinking' | 'none' | undefined
  /** The member of an assistant's message in which it takes thoughts of earlier turns back. */
  readonly reasoningReplay?: 'none' | 'reasoning_content' | 'reasoning' | 'reasoning_details' | undefined
  /** False: it refuses `stream_options`, or reports usage without being asked. */
  readonly streamUsage?: boolean | undefined
}

/** What a model takes, from the catalogue and the configuration; null: not known, then it is tried. */
export interface Capabilities {
  readonly maxOutputTokens: number | null
  readonly contextTokens: number | null
  /** Parameters by their neutral names (`ir/request.ts`) that the model refuses. */
  readonly refuses: ReadonlySet<string>
  readonly structuredOutput: OutputWay | null
  readonly tools: boolean | null
  readonly vision: boolean | null
  /** How its reasoning is asked for: by an effort, by a budget of tokens, by letting it decide; none: it has none. */
  readonly reasoning: 'effort' | 'budget' | 'adaptive' | 'level' | 'none' | null
  /** Whose signatures it understands; see `Signature` in `ir/parts.ts`. */
  readonly family: SealFamily
}

export interface DecodeContext {
  readonly losses: Losses
  /** Made for what the upstream leaves out, e.g. ids of calls: `next('call')` is unique within the request. */
  readonly ids: { next(prefix: string): string }
}

/** One event of a stream: the framing's name of it, if it has one, and its text. */
export interface WireEvent {
  readonly name: string | null
  readonly data: string
}

/** Reads a stream event by event. Never throws: what cannot be read is a `fault`. Ignores everything after `end` or a fault. */
export interface StreamDecoder {
  push(event: WireEvent, emit: (event: StreamEvent) => void): void
  /** The upstream closed its stream: emits `end` when the answer was complete, or else a fault of kind `truncated`. */
  close(emit: (event: StreamEvent) => void): void
}
