/*
 * Refuses what OpenAI's Responses refuse, with the vendor's error object. The rules between members are those that the API states in its
 * errors ("No tool output found for function call …" and the like). Independent of the gateway's own converters.
 */
import type { z } from 'zod'
import { responsesError } from './answers.ts'
import { type ResponsesBody, requestSchema } from './request-schema.ts'

export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: unknown
}

type Refusal = ReturnType<typeof responsesError>

/** The error that the vendor answers with; null for a request that it takes. */
export function checkResponsesRequest(
  seen: SeenRequest,
  expected: { readonly path?: string; readonly key?: string } = {},
): Refusal | null {
  const { path = '/v1/responses', key } = expected
  if (seen.path !== path) return responsesError(404, `Invalid URL (${seen.method} ${seen.path})`)
  if (seen.method !== 'POST') return responsesError(405, `Not allowed to ${seen.method} on ${seen.path}`)
  if (key !== undefined && seen.headers['authorization'] !== `Bearer ${key}`) {
    return responsesError(401, 'Incorrect API key provided.', { code: 'invalid_api_key' })
  }
  if (!seen.headers['content-type']?.startsWith('application/json')) {
    return responsesError(400, 'The content type must be application/json.')
  }
  return checkResponsesBody(seen.body)
}

/** The same for the body alone. */
export function checkResponsesBody(body: unknown): Refusal | null {
  const parsed = requestSchema.safeParse(body)
  if (!parsed.success) return refusalOf(parsed.error.issues)
  return checkCalls(parsed.data) ?? checkMembers(parsed.data)
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
  return responsesError(400, message, { param, code: unknown === undefined ? 'invalid_value' : 'unknown_parameter' })
}

function checkCalls({ input, previous_response_id: previous }: ResponsesBody): Refusal | null {
  if (!Array.isArray(input) || previous) return null
  const open = new Set<string>()
  for (const item of input) {
    const { type } = item
    if (type === 'function_call' || type === 'custom_tool_call') open.add(String(item.call_id))
    else if (type === 'function_call_output' || type === 'custom_tool_call_output') {
      if (open.delete(String(item.call_id))) continue
      const text = `No tool call found for function call output with call_id ${String(item.call_id)}.`
      return responsesError(400, text, { param: 'input' })
    }
  }
  const [left] = open
  if (left === undefined) return null
  return responsesError(400, `No tool output found for function call ${left}.`, { param: 'input' })
}

function checkMembers(body: ResponsesBody): Refusal | null {
  if (body.previous_response_id && body.conversation) {
    const text = "Mutually exclusive parameters: 'previous_response_id' and 'conversation'."
    return responsesError(400, text, { param: 'conversation' })
  }
  if (body.stream_options && body.stream !== true) {
    const text = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
    return responsesError(400, text, { param: 'stream_options' })
  }
  const { tool_choice: choice, tools = [] } = body
  if (typeof choice === 'object' && 'name' in choice && choice.type !== 'mcp') {
    const { name } = choice
    const known = tools.some((tool) => 'name' in tool && tool.name === name)
    if (!known)
      return responsesError(400, `Tool choice '${name}' not found in 'tools' parameter.`, { param: 'tool_choice' })
  }
  if (choice !== undefined && choice !== 'auto' && choice !== 'none' && tools.length === 0) {
    return responsesError(400, "Tool choices are only allowed when 'tools' are specified.", { param: 'tool_choice' })
  }
  return null
}
