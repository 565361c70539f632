import type { DialectName } from '../dialects/name.ts'
import type { JsonObject } from './json.ts'
import type { AssistantPart, CacheMark, TextPart, ToolResultPart, UserPart } from './parts.ts'

export type { DialectName } from '../dialects/name.ts'

/**
 * One request in the neutral form. `extra` holds members that only `dialect` knows: its own encoder writes them again,
 * every other one reports them as dropped. Optional members that are absent were not said by the client.
 */
export interface ModelRequest {
  /** Whose words these are. */
  readonly dialect: DialectName
  /** As the client named it. */
  readonly model: string
  readonly messages: readonly Message[]
  readonly tools: readonly Tool[]
  readonly toolChoice?: ToolChoice | undefined
  readonly parameters: Parameters
  readonly stream: boolean
  /** Features that a client of Anthropic's dialect switches on by a header, by the vendor's names. */
  readonly betas?: readonly string[] | undefined
  /** Asked with OpenAI's `functions` of 2023: its answers call them by `function_call`. */
  readonly legacyFunctions?: boolean | undefined
  readonly extra?: JsonObject | undefined
}

/**
 * One message. Results of tools are messages of their own, also where a dialect puts them into the user's: its encoder
 * joins them with the user message that follows.
 */
export type Message = SystemMessage | UserMessage | AssistantMessage | ToolMessage

/** Instructions; in dialects with a place of their own for them, only those at the beginning go there. */
export interface SystemMessage {
  readonly role: 'system'
  /** OpenAI's newer models tell developer from system. */
  readonly authority: 'system' | 'developer'
  /** It stood in a member of its own, for this request alone (OpenAI's Responses), and not among the messages. */
  readonly place?: 'instructions' | undefined
  readonly parts: readonly TextPart[]
  readonly name?: string | undefined
  readonly extra?: JsonObject | undefined
}

export interface UserMessage {
  readonly role: 'user'
  readonly parts: readonly UserPart[]
  readonly name?: string | undefined
  readonly extra?: JsonObject | undefined
}

export interface AssistantMessage {
  readonly role: 'assistant'
  /** In the order in which the model made them. */
  readonly parts: readonly AssistantPart[]
  readonly name?: string | undefined
  readonly extra?: JsonObject | undefined
}

/** Results of one turn's tool calls. */
export interface ToolMessage {
  readonly role: 'tool'
  readonly parts: readonly ToolResultPart[]
  readonly extra?: JsonObject | undefined
}

export type Tool = FunctionTool | CustomTool | BuiltinTool

/** The group that a tool stands in, whose name is a part of the tool's (OpenAI's Responses). */
export interface ToolNamespace {
  readonly name: string
  /** What the tool is called within it; the tool's own `name` tells it from all others of the request. */
  readonly tool: string
  readonly description?: string | undefined
  /** All of the group as it came, the same object for each of its tools. */
  readonly definition: JsonObject
  /** What of the group is not said by its tools. */
  readonly extra?: JsonObject | undefined
}

export interface FunctionTool {
  readonly type: 'function'
  readonly name: string
  readonly namespace?: ToolNamespace | undefined
  readonly description?: string | undefined
  /** JSON Schema; absent: the client gave none, and the tool takes nothing. */
  readonly parameters?: JsonObject | undefined
  readonly strict?: boolean | undefined
  readonly cache?: CacheMark | undefined
  readonly extra?: JsonObject | undefined
}

/** A tool whose input is free text, possibly of a grammar (OpenAI). */
export interface CustomTool {
  readonly type: 'custom'
  readonly name: string
  readonly namespace?: ToolNamespace | undefined
  readonly description?: string | undefined
  readonly format?: JsonObject | undefined
  readonly extra?: JsonObject | undefined
}

/** What vendors run themselves; equals are listed here, and `other` is known to its own dialect only. */
export type BuiltinKind =
  | 'web-search'
  | 'code-execution'
  | 'file-search'
  | 'computer'
  | 'shell'
  | 'text-editor'
  | 'url-context'
  | 'image-generation'
  | 'other'

export interface BuiltinTool {
  readonly type: 'builtin'
  readonly kind: BuiltinKind
  /** Its definition as it came, in the words of the request's dialect. */
  readonly definition: JsonObject
  readonly cache?: CacheMark | undefined
}

export type ToolChoice =
  | { readonly type: 'auto' | 'none' | 'required' }
  | { readonly type: 'tool'; readonly name: string; readonly said?: JsonObject | undefined }
  | {
      readonly type: 'allowed'
      readonly mode: 'auto' | 'required'
      readonly names: readonly string[]
      /** As it came, where it names a tool of a namespace, which the client may have called by several names. */
      readonly said?: JsonObject | undefined
    }

/** What a client may set beside the conversation. Every encoder says of each what it makes of it. */
export interface Parameters {
  readonly maxOutputTokens?: number | undefined
  readonly temperature?: number | undefined
  readonly topP?: number | undefined
  readonly topK?: number | undefined
  readonly minP?: number | undefined
  readonly frequencyPenalty?: number | undefined
  readonly presencePenalty?: number | undefined
  readonly seed?: number | undefined
  readonly stop?: readonly string[] | undefined
  /** Answers wanted (`n`). */
  readonly choices?: number | undefined
  readonly logprobs?: { readonly top: number } | undefined
  readonly logitBias?: JsonObject | undefined
  readonly parallelToolCalls?: boolean | undefined
  readonly reasoning?: ReasoningRequest | undefined
  readonly output?: OutputFormat | undefined
  readonly verbosity?: 'low' | 'medium' | 'high' | undefined
  /** Who the client's own user is. */
  readonly user?: string | undefined
  readonly metadata?: JsonObject | undefined
  readonly serviceTier?: string | undefined
  readonly store?: boolean | undefined
  readonly promptCacheKey?: string | undefined
  /** Kinds of output wanted, e.g. `text`, `audio`, `image`. */
  readonly modalities?: readonly string[] | undefined
  readonly audioOutput?: { readonly voice?: string | undefined; readonly format?: string | undefined } | undefined
  readonly prediction?: string | undefined
  /** OpenAI's chat streams report usage only when asked; other dialects always do. */
  readonly includeUsage?: boolean | undefined
}

export type Effort = 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max'

export interface ReasoningRequest {
  readonly effort?: Effort | undefined
  readonly budgetTokens?: number | undefined
  /** `adaptive`: the model decides how much. */
  readonly mode?: 'enabled' | 'adaptive' | 'disabled' | undefined
  /** Whether, and how, the client wants to see it. */
  readonly summary?: 'auto' | 'concise' | 'detailed' | 'none' | undefined
}

export type OutputFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json' }
  | {
      readonly type: 'json-schema'
      readonly name: string
      readonly description?: string | undefined
      readonly schema: JsonObject
      readonly strict?: boolean | undefined
    }
