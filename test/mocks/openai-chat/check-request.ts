/*
 * Refuses what OpenAI's chat completions refuse, with the vendor's error object. The rules between members are those that the
 * API states in its errors ("messages with role 'tool' must be a response to a preceding message with 'tool_calls'" and
 * the like). Independent of the gateway's own converters.
 */
import type { z } from 'zod'
import { danglingReference, strictProblem } from '../json-schema.ts'
import { chatError } from './answers.ts'
import { type ChatBody, requestSchema } from './request-schema.ts'

export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: unknown
}

export interface Expected {
  readonly path?: string
  readonly key?: string
  /** A reasoning model of the vendor refuses the older limit and sampling. */
  readonly reasoning?: boolean
}

type Refusal = ReturnType<typeof chatError>

/** The error that the vendor answers with; null for a request that it takes. */
export function checkChatRequest(seen: SeenRequest, expected: Expected = {}): Refusal | null {
  const { path = '/v1/chat/completions', key } = expected
  if (seen.path !== path) return chatError(404, `Invalid URL (${seen.method} ${seen.path})`)
  if (seen.method !== 'POST') return chatError(405, `Not allowed to ${seen.method} on ${seen.path}`)
  const authorization = seen.headers['authorization']
  if (key !== undefined && authorization !== `Bearer ${key}`) {
    return chatError(401, 'Incorrect API key provided.', { code: 'invalid_api_key' })
  }
  if (!seen.headers['content-type']?.startsWith('application/json')) {
    return chatError(400, 'The content type must be application/json.')
  }
  return checkChatBody(seen.body, expected)
}

/** The same for the body alone. */
export function checkChatBody(body: unknown, expected: Pick<Expected, 'reasoning'> = {}): Refusal | null {
  const parsed = requestSchema.safeParse(body)
  if (!parsed.success) return refusalOf(parsed.error.issues)
  return (
    checkTurns(parsed.data) ??
    checkSchemas(parsed.data) ??
    checkMembers(parsed.data, expected.reasoning === true ? 'reasoning' : 'plain')
  )
}

/** The deepest complaint of a union says what was wrong with the member that was meant. */
function refusalOf(issues: readonly z.core.$ZodIssue[], path: readonly PropertyKey[] = []): Refusal {
  const [issue] = issues
  const at = [...path, ...(issue?.path ?? [])]
  if (issue?.code === 'invalid_union' && issue.errors.length > 0) {
    const deepest = [...issue.errors].sort((a, b) => (b[0]?.path.length ?? 0) - (a[0]?.path.length ?? 0))[0]
    if (deepest !== undefined && deepest.length > 0) return refusalOf(deepest, at)
  }
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  const param = [...at, ...(unknown === undefined ? [] : [unknown])]
    .map((name, index) => (typeof name === 'number' ? `[${name}]` : `${index === 0 ? '' : '.'}${String(name)}`))
    .join('')
  const message = unknown === undefined ? `Invalid '${param}': ${issue?.message}` : `Unknown parameter: '${param}'.`
  return chatError(400, message, { param, code: unknown === undefined ? 'invalid_value' : 'unknown_parameter' })
}

function checkTurns({ messages }: ChatBody): Refusal | null {
  let open = new Set<string>()
  let caller = 0
  for (const [at, message] of messages.entries()) {
    if (message.role === 'tool') {
      if (open.delete(message.tool_call_id)) continue
      const text = "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
      return chatError(400, `Invalid parameter: ${text}`, { param: `messages.[${at}].role` })
    }
    if (open.size > 0) return unanswered(open, caller)
    if (message.role !== 'assistant') continue
    const { content, tool_calls: calls = [], refusal, audio, function_call: legacy } = message
    if ((content ?? null) === null && calls.length === 0 && !refusal && !audio && legacy === undefined) {
      return chatError(400, `Invalid value for 'content': expected a string, got null.`, {
        param: `messages.[${at}].content`,
      })
    }
    open = new Set(calls.map((call) => call.id))
    if (open.size < calls.length)
      return chatError(400, 'Duplicate ids of tool calls.', { param: `messages.[${at}].tool_calls` })
    caller = at
  }
  return open.size > 0 ? unanswered(open, caller) : null
}

function checkSchemas({ tools = [], response_format: format }: ChatBody): Refusal | null {
  for (const [at, tool] of tools.entries()) {
    if (tool.type !== 'function') continue
    const { name, parameters = {}, strict } = tool.function
    const problem = problemOf(parameters, strict === true ? 'strict' : 'free')
    if (problem !== null) {
      const param = `tools[${at}].function.parameters`
      return chatError(400, `Invalid schema for function '${name}': ${problem}`, {
        param,
        code: 'invalid_function_parameters',
      })
    }
  }
  if (format?.type !== 'json_schema') return null
  const { name, schema, strict } = format.json_schema
  const problem = schema === undefined ? null : problemOf(schema, strict === true ? 'strict' : 'free')
  if (problem === null) return null
  return chatError(400, `Invalid schema for response_format '${name}': ${problem}`, { param: 'response_format' })
}

function problemOf(schema: unknown, hold: 'strict' | 'free'): string | null {
  const reference = danglingReference(schema)
  if (reference !== null) return `reference to component '${reference}' which was not found in the schema.`
  return hold === 'strict' ? strictProblem(schema) : null
}

function unanswered(open: ReadonlySet<string>, at: number): Refusal {
  const text = `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.`
  const param = `messages.[${at}].tool_calls`
  return chatError(400, `${text} The following tool_call_ids did not have response messages: ${[...open].join(', ')}`, {
    param,
  })
}

function checkMembers(body: ChatBody, model: 'reasoning' | 'plain'): Refusal | null {
  const refuse = (param: string, message: string, code: string | null = null) =>
    chatError(400, message, { param, code })
  if (body.max_tokens && body.max_completion_tokens) {
    return refuse('max_tokens', "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.")
  }
  if (model === 'reasoning' && body.max_tokens) {
    const text =
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    return refuse('max_tokens', text, 'unsupported_parameter')
  }
  if (body.tools === undefined) {
    for (const name of ['tool_choice', 'parallel_tool_calls'] as const) {
      if (body[name] !== undefined) return refuse(name, `'${name}' is only allowed when 'tools' are specified.`)
    }
  }
  const names = new Set(body.tools?.map((tool) => (tool.type === 'function' ? tool.function.name : tool.custom.name)))
  if (typeof body.tool_choice === 'object' && body.tool_choice.type !== 'allowed_tools') {
    const { tool_choice: choice } = body
    const name = choice.type === 'function' ? choice.function.name : choice.custom.name
    if (!names.has(name)) return refuse('tool_choice', `Tool choice '${name}' not found in 'tools' parameter.`)
  }
  if (body.stream_options && body.stream !== true) {
    return refuse('stream_options', "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
  }
  if (body.top_logprobs && body.logprobs !== true) {
    return refuse('top_logprobs', "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.")
  }
  if (body.metadata && body.store !== true) {
    return refuse('metadata', "The 'metadata' parameter is only allowed when 'store' is enabled.")
  }
  if (body.modalities?.includes('audio') && !body.audio) {
    return refuse('audio', "Missing required parameter: 'audio'.", 'missing_required_parameter')
  }
  return null
}
