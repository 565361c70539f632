/*
 * Refuses what the vendor refuses, after its public reference (docs.cohere.com/reference/chat), 2026. Independent of src.
 */
import { failure, type Json } from './answers.ts'

export interface MockRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: unknown
}

export interface Refusal {
  readonly status: number
  readonly body: Json
}

type Test = (value: unknown) => boolean

const text: Test = (value) => typeof value === 'string'
const flag: Test = (value) => typeof value === 'boolean'
const between =
  (least: number, most: number): Test =>
  (value) =>
    typeof value === 'number' && value >= least && value <= most
const natural: Test = (value) => Number.isSafeInteger(value) && Number(value) >= 0
const list: Test = (value) => Array.isArray(value)
const oneOf =
  (...words: readonly string[]): Test =>
  (value) =>
    typeof value === 'string' && words.includes(value)

const MEMBERS: Readonly<Record<string, Test>> = {
  model: text,
  stream: flag,
  messages: (value) => Array.isArray(value) && value.length > 0,
  tools: (value) => Array.isArray(value) && value.length > 0,
  strict_tools: flag,
  documents: list,
  citation_options: isObject,
  response_format: (value) => isObject(value) && oneOf('text', 'json_object')(value['type']),
  safety_mode: oneOf('CONTEXTUAL', 'STRICT', 'OFF'),
  max_tokens: natural,
  stop_sequences: (value) => Array.isArray(value) && value.length <= 5 && value.every(text),
  temperature: between(0, 1),
  seed: natural,
  frequency_penalty: between(0, 1),
  presence_penalty: between(0, 1),
  k: between(0, 500),
  p: between(0.01, 0.99),
  logprobs: flag,
  tool_choice: oneOf('REQUIRED', 'NONE'),
  thinking: (value) =>
    isObject(value) && oneOf('enabled', 'disabled')(value['type']) && optional(natural)(value['token_budget']),
  priority: natural,
}

const ROLES: Readonly<Record<string, readonly string[]>> = {
  system: ['role', 'content'],
  user: ['role', 'content'],
  assistant: ['role', 'content', 'tool_calls', 'tool_plan', 'citations'],
  tool: ['role', 'content', 'tool_call_id'],
}
const CONTENT: Readonly<Record<string, readonly string[]>> = {
  system: ['text'],
  user: ['text', 'image_url'],
  assistant: ['text', 'thinking'],
  tool: ['text', 'document'],
}

/** The vendor's refusal, or null when the request is fine. `key` is the API key that it expects. */
export function checkRequest({ method, path, headers, body }: MockRequest, key: string): Refusal | null {
  if (method !== 'POST' || path !== '/v2/chat') return { status: 404, body: failure('not found') }
  if (headers['authorization'] !== `Bearer ${key}`) return { status: 401, body: failure('invalid api token') }
  if (!isObject(body)) return invalid('invalid request: expected an object')
  for (const [name, value] of Object.entries(body)) {
    const test = MEMBERS[name]
    if (test === undefined) return invalid(`invalid request: unknown field "${name}"`)
    if (!test(value)) return invalid(`invalid request: ${name} is not valid`)
  }
  const problem = messagesProblem(objects(body['messages'])) ?? toolsProblem(body)
  return problem === null ? null : invalid(`invalid request: ${problem}`)
}

function messagesProblem(messages: readonly Json[]): string | null {
  if (messages.length === 0) return 'messages must not be empty'
  let waiting: unknown[] = []
  for (const [index, message] of messages.entries()) {
    const role = String(message['role'])
    const members = ROLES[role]
    if (members === undefined) return `messages[${index}].role is not valid`
    const unknown = Object.keys(message).find((name) => !members.includes(name))
    if (unknown !== undefined) return `messages[${index}]: unknown field "${unknown}"`
    const calls = objects(message['tool_calls'])
    if (role === 'tool') {
      if (!waiting.includes(message['tool_call_id'])) return `messages[${index}]: no tool call has this id`
      waiting = waiting.filter((id) => id !== message['tool_call_id'])
    } else if (waiting.length > 0) return `messages[${index}]: expected the results of all tool calls`
    else waiting = calls.map(({ id }) => id)
    if (calls.some((call) => !isCall(call))) return `messages[${index}].tool_calls is not valid`
    if (!isContent(message['content'], role) && !(role === 'assistant' && calls.length > 0)) {
      return `messages[${index}].content is not valid`
    }
  }
  return null
}

function isContent(content: unknown, role: string): boolean {
  if (typeof content === 'string') return content !== ''
  const types = CONTENT[role] ?? []
  return Array.isArray(content) && content.length > 0 && content.every((item) => isObject(item) && isPart(item, types))
}

function isPart(part: Json, types: readonly string[]): boolean {
  const { type, document, image_url: image } = part
  if (!types.includes(String(type))) return false
  if (type === 'document') return isObject(document) && isObject(document['data'])
  if (type === 'image_url') {
    return isObject(image) && text(image['url']) && optional(oneOf('auto', 'low', 'high'))(image['detail'])
  }
  return text(part[String(type)])
}

function isCall(call: Json): boolean {
  const of = call['function']
  if (!text(call['id']) || call['type'] !== 'function' || !isObject(of)) return false
  return text(of['name']) && text(of['arguments'])
}

function toolsProblem(body: Json): string | null {
  const { tools, tool_choice: choice, strict_tools: strict } = body
  if (tools === undefined) return choice === undefined && strict === undefined ? null : 'tool_choice needs tools'
  for (const tool of objects(tools)) {
    const of = tool['function']
    if (tool['type'] !== 'function' || !isObject(of)) return 'tools: expected functions'
    if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(String(of['name']))) return 'tools: a name is not valid'
    if (!isObject(of['parameters'])) return 'tools: parameters are required'
    if (Object.keys(of).some((name) => !['name', 'description', 'parameters'].includes(name)))
      return 'tools: unknown field'
  }
  return null
}

function optional(test: Test): Test {
  return (value) => value === undefined || test(value)
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function objects(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

function invalid(message: string): Refusal {
  return { status: 400, body: failure(message) }
}
