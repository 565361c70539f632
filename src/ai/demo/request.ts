import { type ApiError, invalidRequest, notFound } from './api-error.ts'
import {
  anyObject,
  anything,
  array,
  boolean,
  type Check,
  decimal,
  integer,
  isObject,
  type Member,
  object,
  optional,
  required,
  text,
  textOr,
  unsupported,
  variant,
  word,
  wordOr,
} from './checks.ts'
import { behaviourOf, type DemoBehaviour } from './models.ts'

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
export interface ChatRequest {
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

/** Answers of one request; the API itself allows 128, which would let a small request make a huge answer here. */
const MAX_CHOICES = 16
const NAME = /^[a-zA-Z0-9_-]+$/

const textPart = object({ type: required(word('text')), text: required(text()) })
const filePart = (name: string): Check => object({ type: required(word(name)), [name]: required(anyObject) })
const textParts = array(variant('type', { text: textPart }), 1)
const userParts = array(
  variant('type', {
    text: textPart,
    image_url: filePart('image_url'),
    input_audio: filePart('input_audio'),
    file: filePart('file'),
  }),
  1,
)
const assistantParts = array(
  variant('type', {
    text: textPart,
    refusal: object({ type: required(word('refusal')), refusal: required(text()) }),
  }),
  1,
)
const calledFunction = object({ name: required(text(64)), arguments: required(text()) })
const toolCall = object({
  id: required(text()),
  type: required(word('function')),
  function: required(calledFunction),
})

const message = (members: Readonly<Record<string, Member>>): Check =>
  object({ role: required(text()), name: optional(text(64)), ...members })

const messageCheck = variant('role', {
  system: message({ content: required(textOr(textParts)) }),
  assistant: message({
    content: optional(textOr(assistantParts)),
    tool_calls: optional(array(toolCall, 1)),
    refusal: optional(text()),
    annotations: optional(anything),
    audio: optional(anything),
  }),
  user: message({ content: required(textOr(userParts)) }),
  tool: message({ content: required(textOr(textParts)), tool_call_id: required(text()) }),
  developer: message({ content: required(textOr(textParts)) }),
})

const functionTool = object({
  type: required(word('function')),
  function: required(
    object({
      name: required(text(64, NAME)),
      description: optional(text()),
      parameters: optional(anyObject),
      strict: optional(boolean),
    }),
  ),
})

const forcedTool = variant('type', {
  function: object({
    type: required(word('function')),
    function: required(object({ name: required(text(64)) })),
  }),
})

const responseFormat = variant('type', {
  text: object({ type: required(anything) }),
  json_object: object({ type: required(anything) }),
  json_schema: object({
    type: required(anything),
    json_schema: required(
      object({
        name: required(text(64, NAME)),
        description: optional(text()),
        schema: required(anyObject),
        strict: optional(boolean),
      }),
    ),
  }),
})

/** Every top-level parameter of chat completions, as of 2026-11. */
const bodyCheck = object({
  messages: required(array(messageCheck, 1)),
  model: required(text()),
  audio: optional(unsupported),
  frequency_penalty: optional(decimal(-2, 2)),
  function_call: optional(unsupported),
  functions: optional(unsupported),
  logit_bias: optional(anyObject),
  logprobs: optional((value, path) => boolean(value, path) ?? (value === true ? unsupported(value, path) : null)),
  max_completion_tokens: optional(integer(1)),
  max_tokens: optional(integer(1)),
  metadata: optional(anyObject),
  modalities: optional(array(word('text'), 1)),
  n: optional(integer(1, MAX_CHOICES)),
  parallel_tool_calls: optional(boolean),
  prediction: optional(anyObject),
  presence_penalty: optional(decimal(-2, 2)),
  prompt_cache_key: optional(text()),
  prompt_cache_retention: optional(text()),
  reasoning_effort: optional(text()),
  response_format: optional(responseFormat),
  safety_identifier: optional(text()),
  seed: optional(integer(Number.MIN_SAFE_INTEGER)),
  service_tier: optional(text()),
  stop: optional(textOr(array(text(), 1, 4))),
  store: optional(boolean),
  stream: optional(boolean),
  stream_options: optional(object({ include_usage: optional(boolean), include_obfuscation: optional(boolean) })),
  temperature: optional(decimal(0, 2)),
  tool_choice: optional(wordOr(['none', 'auto', 'required'], forcedTool)),
  tools: optional(array(functionTool, 1, 128)),
  top_logprobs: optional(unsupported),
  top_p: optional(decimal(0, 1)),
  user: optional(text()),
  verbosity: optional(text()),
  web_search_options: optional(unsupported),
})

/** The body as it is once `bodyCheck` found nothing wrong. */
interface Body {
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

/** Reads the body of a chat completion; gives the error that the API would answer with when something is wrong. */
export function readRequest(
  bytes: Buffer | null,
): { readonly ok: true; readonly request: ChatRequest } | { readonly ok: false; readonly error: ApiError } {
  let value: unknown
  try {
    value = JSON.parse(bytes === null ? '' : bytes.toString())
  } catch {
    return refuse(
      invalidRequest(
        'We could not parse the JSON body of your request. (HINT: This likely means you are not using your HTTP library correctly. The API expects a JSON payload, but what was sent was not valid JSON.)',
      ),
    )
  }
  if (!isObject(value)) return refuse(invalidRequest('The body of the request must be a JSON object.'))
  if (!Object.hasOwn(value, 'model')) return refuse(invalidRequest('you must provide a model parameter'))
  if (typeof value['model'] === 'string' && behaviourOf(value['model']) === null) {
    const shown = value['model'].slice(0, 128)
    return refuse(notFound(`The model \`${shown}\` does not exist or you do not have access to it.`, 'model_not_found'))
  }
  const wrong = bodyCheck(value, '')
  if (wrong !== null) return refuse(wrong)
  const body = value as unknown as Body // every member was checked just now
  const contradiction = findContradiction(body) ?? findBrokenTurn(body.messages)
  if (contradiction !== null) return refuse(contradiction)
  const behaviour = behaviourOf(body.model)
  if (behaviour === null) return refuse(notFound('The model does not exist.', 'model_not_found'))
  return { ok: true, request: fillIn(body, behaviour) }
}

function refuse(error: ApiError): { readonly ok: false; readonly error: ApiError } {
  return { ok: false, error }
}

function fillIn(body: Body, behaviour: DemoBehaviour): ChatRequest {
  const { stop, tool_choice: choice, response_format: format } = body
  const tools = body.tools ?? []
  return {
    model: body.model,
    behaviour,
    messages: body.messages,
    stream: body.stream ?? false,
    includeUsage: body.stream_options?.include_usage ?? false,
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? Number.POSITIVE_INFINITY,
    stop: (typeof stop === 'string' ? [stop] : (stop ?? [])).filter((each) => each !== ''),
    choices: body.n ?? 1,
    tools,
    toolChoice: typeof choice === 'object' && choice !== null ? { forced: choice.function.name } : (choice ?? 'auto'),
    parallelToolCalls: body.parallel_tool_calls ?? true,
    answerSchema:
      format?.type === 'json_schema' ? (format.json_schema?.schema ?? {}) : format?.type === 'json_object' ? {} : null,
  }
}

/** Parameters that are right alone and wrong together. */
function findContradiction(body: Body): ApiError | null {
  if (body.max_tokens != null && body.max_completion_tokens != null) {
    return invalidRequest(
      "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
      'max_tokens',
      'invalid_parameter_combination',
    )
  }
  if (body.stream_options != null && body.stream !== true) {
    return invalidRequest("The 'stream_options' parameter is only allowed when 'stream' is enabled.", 'stream_options')
  }
  if (body.tool_choice != null && body.tools == null) {
    return invalidRequest(
      "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
      'tool_choice',
    )
  }
  if (body.parallel_tool_calls != null && body.tools == null) {
    return invalidRequest(
      "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' are specified.",
      'parallel_tool_calls',
    )
  }
  const choice = body.tool_choice
  if (typeof choice === 'object' && choice !== null) {
    const { name } = choice.function
    if (!(body.tools ?? []).some((tool) => tool.function.name === name)) {
      return invalidRequest(`Tool choice '${name}' not found in 'tools' parameter.`, 'tool_choice')
    }
  }
  if (body.response_format?.type === 'json_object' && !body.messages.some((m) => /json/i.test(textOf(m)))) {
    return invalidRequest(
      "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
      'messages',
    )
  }
  return null
}

/** Every tool call must have its answer, and every answer its call. */
function findBrokenTurn(messages: readonly Message[]): ApiError | null {
  let open = new Set<string>()
  let inTurn = false
  for (const [i, each] of messages.entries()) {
    if (each.role === 'tool') {
      if (!inTurn) {
        return invalidRequest(
          "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
          `messages[${i}].role`,
        )
      }
      if (!open.delete(each.tool_call_id ?? '')) {
        return invalidRequest(
          `Invalid parameter: 'tool_call_id' of '${(each.tool_call_id ?? '').slice(0, 64)}' not found in 'tool_calls' of previous message.`,
          `messages[${i}].tool_call_id`,
        )
      }
      continue
    }
    if (open.size > 0) return unanswered(open, i)
    if (each.role === 'assistant' && each.content == null && each.tool_calls == null) {
      return invalidRequest(
        `Invalid value for 'content': expected a string, got null.`,
        `messages[${i}].content`,
        'invalid_type',
      )
    }
    open = new Set((each.tool_calls ?? []).map((call) => call.id))
    inTurn = open.size > 0
  }
  return open.size > 0 ? unanswered(open, messages.length) : null
}

function unanswered(open: ReadonlySet<string>, before: number): ApiError {
  const ids = [...open].map((id) => id.slice(0, 64)).join(', ')
  return invalidRequest(
    `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${ids}`,
    `messages[${before - 1}].role`,
  )
}

/** The text of a message, of all its parts. */
export function textOf(message: Message): string {
  const { content } = message
  if (typeof content === 'string') return content
  return (content ?? []).map((part) => part.text ?? '').join('\n')
}
