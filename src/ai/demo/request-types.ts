import type { DemoBehaviour } from './models.ts'

/** The members of a message that are read. */
export interface Message {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool'
  readonly content?: string | readonly ContentPart[] | null
  readonly name?: string | null
  readonly tool_calls?: readonly ToolCall[] | null
  readonly tool_call_id?: string
}

/** A part of a message's content; `text` when its type is `text`. */
export interface ContentPart {
  readonly type: string
  readonly text?: string
}

/** A tool call of an assistant's message. */
export interface ToolCall {
  readonly id: string
  readonly type: 'function'
  readonly function: { readonly name: string; readonly arguments: string }
}

/** A tool that the client offers. */
export interface Tool {
  readonly type: 'function'
  readonly function: {
    readonly name: string
    readonly description?: string | null
    readonly parameters?: Readonly<Record<string, unknown>> | null
  }
}

/** A request after its check, with the defaults of the API filled in. */
export interface ConversationRequest {
  readonly model: string
  readonly behaviour: DemoBehaviour
  readonly messages: readonly Message[]
  readonly stream: boolean
  readonly includeUsage: boolean
  readonly maxTokens: number
  readonly stop: readonly string[]
  readonly choices: number
  readonly tools: readonly Tool[]
  /** `forced` names the one function that must be called. */
  readonly toolChoice: 'none' | 'auto' | 'required' | { readonly forced: string }
  readonly parallelToolCalls: boolean
  /** Schema that the answer must fit; an empty schema for `json_object`; null for text. */
  readonly answerSchema: Readonly<Record<string, unknown>> | null
}

/** The body as it is once `bodyCheck` found nothing wrong. */
export interface Body {
  readonly model: string
  readonly messages: readonly Message[]
  readonly stream?: boolean | null
  readonly stream_options?: { readonly include_usage?: boolean | null } | null
  readonly max_tokens?: number | null
  readonly max_completion_tokens?: number | null
  readonly stop?: string | readonly string[] | null
  readonly n?: number | null
  readonly tools?: readonly Tool[] | null
  readonly tool_choice?: 'none' | 'auto' | 'required' | { readonly function: { readonly name: string } } | null
  readonly parallel_tool_calls?: boolean | null
  readonly response_format?: {
    readonly type: 'text' | 'json_object' | 'json_schema'
    readonly json_schema?: { readonly schema: Readonly<Record<string, unknown>> }
  } | null
}

/** The text of a message, of all its parts. */
export function textOf(message: Message): string {
  const { content } = message
  if (typeof content === 'string') return content
  return (content ?? []).map((part) => part.text ?? '').join('\n')
}
