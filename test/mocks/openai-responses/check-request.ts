/*
 * Refuses what OpenAI's Responses refuse, with the vendor's error object. The rules between members are those that the API states in its
 * errors ("No tool output found for function call …" and the like). Independent of the gateway's own converters.
 */
import type { z } from 'zod'
import { danglingReference, strictProblem } from '../json-schema.ts'
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
  return checkCalls(parsed.data) ?? checkThoughts(parsed.data) ?? checkSchemas(parsed.data) ?? checkMembers(parsed.data)
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

/**
 * A thought is looked up by its id, unless it brings its own sealed text along, which must be one that the vendor made
 * ("Reasoning models: encrypted reasoning items").
 */
function checkThoughts({ input }: ResponsesBody): Refusal | null {
  if (!Array.isArray(input)) return null
  for (const [at, item] of input.entries()) {
    if (item.type !== 'reasoning') continue
    const { id, encrypted_content: sealed, content } = item
    if (!sealed && id) {
      const text = `Item with id '${id}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`
      return responsesError(404, text, { param: 'input' })
    }
    if (sealed?.startsWith('ferro')) {
      const text = `The encrypted content ${sealed.slice(0, 4)}... could not be verified. Reason: Encrypted content could not be decrypted or parsed.`
      return responsesError(400, text, { code: 'invalid_encrypted_content' })
    }
    if (content && content.length > 0) {
      return responsesError(
        400,
        `Invalid 'input[${at}].content': array too long. Expected an array with maximum length 0.`,
        {
          param: `input[${at}].content`,
          code: 'array_above_max_length',
        },
      )
    }
  }
  return null
}

function checkSchemas({ tools = [], text }: ResponsesBody): Refusal | null {
  for (const [at, tool] of tools.entries()) {
    if (tool.type !== 'function') continue
    const { name, parameters, strict } = tool
    // Without a word of it, the vendor holds a model to the schema where that can be done.
    const problem = problemOf(parameters, strict === true ? 'strict' : 'free')
    if (problem !== null) {
      const param = `tools[${at}].parameters`
      return responsesError(400, `Invalid schema for function '${name}': ${problem}`, {
        param,
        code: 'invalid_function_parameters',
      })
    }
  }
  const format = text?.format
  if (format?.type !== 'json_schema') return null
  const problem = problemOf(format.schema, format.strict === true ? 'strict' : 'free')
  if (problem === null) return null
  const param = 'text.format.schema'
  return responsesError(400, `Invalid schema for response_format '${format.name}': ${problem}`, {
    param,
    code: 'invalid_json_schema',
  })
}

function problemOf(schema: unknown, hold: 'strict' | 'free'): string | null {
  const reference = danglingReference(schema)
  if (reference !== null) return `reference to component '${reference}' which was not found in the schema.`
  return hold === 'strict' ? strictProblem(schema) : null
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
