/*
 * Refuses what the server refuses, and members that it would overlook in silence, after its public documents (docs/api.md and
 * api/types.go of ollama/ollama), 2026. Independent of src.
 */
import { failure, type Json } from './answers.ts'

export interface MockRequest {
  readonly method: string
  readonly path: string
  readonly body: unknown
}

export interface Refusal {
  readonly status: number
  readonly body: Json
}

const MEMBERS = new Set(
  'model messages stream format keep_alive tools options think truncate shift logprobs top_logprobs'.split(' '),
)
const MESSAGE = new Set('role content thinking images tool_calls tool_name tool_call_id'.split(' '))
const LEVELS: readonly unknown[] = ['low', 'medium', 'high']
const NUMBERS = new Set(
  (
    'num_keep seed num_predict top_k top_p min_p typical_p repeat_last_n temperature repeat_penalty presence_penalty ' +
    'frequency_penalty num_ctx num_batch num_gpu main_gpu num_thread'
  ).split(' '),
)

/** The server's refusal, or null when the request is fine. */
export function checkRequest({ method, path, body }: MockRequest): Refusal | null {
  if (method !== 'POST' || path !== '/api/chat') return { status: 404, body: failure('404 page not found') }
  const problem = isObject(body) ? bodyProblem(body) : 'missing request body'
  return problem === null ? null : { status: 400, body: failure(problem) }
}

function bodyProblem(body: Json): string | null {
  const unknown = Object.keys(body).find((name) => !MEMBERS.has(name))
  if (unknown !== undefined) return `unknown field ${unknown}`
  const { model, messages, stream, format, think, options, tools, logprobs, top_logprobs: top } = body
  if (typeof model !== 'string' || model === '') return 'model is required'
  // The server only loads the model, and answers nothing.
  if (Array.isArray(messages) && messages.length === 0) return 'there is nothing to answer'
  if (!Array.isArray(messages)) return 'json: cannot unmarshal into Go struct field ChatRequest.messages'
  if (stream !== undefined && typeof stream !== 'boolean') return 'json: ChatRequest.stream'
  if (format !== undefined && format !== 'json' && !isObject(format))
    return 'invalid format; expected "json" or a JSON schema'
  if (think !== undefined && typeof think !== 'boolean' && !LEVELS.includes(think)) {
    return 'think must be a boolean or "low", "medium", "high"'
  }
  if (logprobs !== undefined && typeof logprobs !== 'boolean') return 'json: ChatRequest.logprobs'
  if (top !== undefined && !(Number.isInteger(top) && Number(top) >= 0 && Number(top) <= 20))
    return 'top_logprobs must be between 0 and 20'
  for (const [index, message] of messages.entries()) {
    const problem = isObject(message) ? messageProblem(message) : 'expected an object'
    if (problem !== null) return `messages[${index}]: ${problem}`
  }
  return optionsProblem(options) ?? toolsProblem(tools)
}

function messageProblem(message: Json): string | null {
  const unknown = Object.keys(message).find((name) => !MESSAGE.has(name))
  if (unknown !== undefined) return `unknown field ${unknown}`
  const { role, content, images, tool_calls: calls, tool_name: name, thinking } = message
  if (!['system', 'user', 'assistant', 'tool'].includes(String(role))) return `invalid role: ${String(role)}`
  if (typeof content !== 'string') return 'json: cannot unmarshal into Message.content of type string'
  if (thinking !== undefined && typeof thinking !== 'string') return 'json: Message.thinking'
  if (images !== undefined && !(Array.isArray(images) && images.every(isBase64))) return 'illegal base64 data'
  if (role === 'tool' && typeof name !== 'string') return 'a result needs the name of its tool'
  for (const call of Array.isArray(calls) ? calls : []) {
    const of: unknown = isObject(call) ? call['function'] : null
    if (!isObject(of) || typeof of['name'] !== 'string') return 'json: ToolCall.function'
    if (!isObject(of['arguments'])) return 'json: cannot unmarshal into ToolCallFunction.arguments'
  }
  return null
}

function optionsProblem(options: unknown): string | null {
  if (options === undefined) return null
  if (!isObject(options)) return 'json: ChatRequest.options'
  for (const [name, value] of Object.entries(options)) {
    if (name === 'stop' ? Array.isArray(value) : NUMBERS.has(name) && typeof value === 'number') continue
    return `option "${name}" must be of another type, or is not known`
  }
  return null
}

function toolsProblem(tools: unknown): string | null {
  if (tools === undefined) return null
  if (!Array.isArray(tools)) return 'json: ChatRequest.tools'
  for (const tool of tools) {
    const of: unknown = isObject(tool) && tool['type'] === 'function' ? tool['function'] : null
    if (!isObject(of) || typeof of['name'] !== 'string' || !isObject(of['parameters'])) return 'json: Tool.function'
    if (!isObject(of['parameters']['properties'])) return 'json: ToolFunctionParameters.properties'
  }
  return null
}

function isBase64(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && /^[A-Za-z0-9+/]*={0,2}$/.test(value)
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
