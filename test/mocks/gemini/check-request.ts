/*
 * Refuses what the vendor refuses, after its public documentation (ai.google.dev: "Generating content", "Function calling",
 * "Thought signatures", "Troubleshooting"), 2026. Independent of src.
 */

import { danglingReference } from '../json-schema.ts'
import { failure, type Json } from './answers.ts'
import { PART_DATA, REQUEST_SHAPE } from './request-shape.ts'
import { isObject } from './shapes.ts'
import { camelBody } from './spelling.ts'

export interface MockRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: unknown
}

export interface Refusal {
  readonly status: number
  readonly body: Json
}

const PATH = /^\/v1(?:beta)?\/models\/([^/:]+):(generateContent|streamGenerateContent|countTokens)(\?.*)?$/

/** The vendor's refusal, or null when the request is fine. `key` is the API key that it expects. */
export function checkRequest({ method, path, headers, body: sent }: MockRequest, key: string): Refusal | null {
  const body = camelBody(sent)
  const found = PATH.exec(path)
  if (found === null) return refusal(404, 'NOT_FOUND', 'The requested URL was not found on this server.')
  if (method !== 'POST') return refusal(404, 'NOT_FOUND', `${method} is not known here.`)
  if (headers['x-goog-api-key'] !== key && !path.includes(`key=${key}`)) {
    return refusal(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.')
  }
  if (!String(headers['content-type']).startsWith('application/json')) return invalid('Invalid content type.')
  const [, model = '', action, query = ''] = found
  if (action === 'streamGenerateContent' && !query.includes('alt=sse'))
    return invalid('this mock streams with alt=sse only')
  if (action === 'countTokens') return null
  const problem = REQUEST_SHAPE(body, '')
  if (problem !== null) return invalid(problem)
  const message = isObject(body) ? contentProblem(body, model) : 'no body'
  return message === null ? null : invalid(message)
}

function contentProblem(body: Json, model: string): string | null {
  const contents = turnsOf(list(body['contents']))
  if (contents.length === 0) return 'GenerateContentRequest.contents: contents is not specified'
  if (contents[0]?.['role'] === 'model') return 'Please ensure that the first turn is of the role user.'
  for (const [index, content] of contents.entries()) {
    const parts = list(content['parts'])
    if (parts.length === 0) return `GenerateContentRequest.contents[${index}].parts: contents.parts must not be empty.`
    if (content['role'] === contents[index - 1]?.['role'])
      return 'Please ensure that multiturn requests alternate between user and model.'
    for (const [at, part] of parts.entries()) {
      const data = Object.keys(PART_DATA).filter((name) => name in part)
      if (data.length !== 1)
        return `contents[${index}].parts[${at}].data: required oneof field 'data' must have one initialized field`
    }
    const calls = parts.filter((part) => 'functionCall' in part).length
    const results = list(contents[index + 1]?.['parts']).filter((part) => 'functionResponse' in part).length
    const last = index === contents.length - 1
    if (calls > 0 && !last && calls !== results) {
      return 'Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.'
    }
    const own = parts.filter((part) => 'functionResponse' in part).length
    const before = list(contents[index - 1]?.['parts']).filter((part) => 'functionCall' in part).length
    if (own > 0 && before === 0)
      return 'Please ensure that function response turn comes immediately after a function call turn.'
    if (own > 0 && refersInside(parts)) return 'Invalid function_response.response: $ref is not allowed.'
  }
  return signatureProblem(contents, model) ?? toolProblem(body)
}

/** The vendor's own clients give the chunks of a streamed answer back as one content each: they are one turn. */
function turnsOf(contents: readonly Json[]): Json[] {
  const turns: Json[] = []
  for (const content of contents) {
    const before = turns.at(-1)
    if (before === undefined || content['role'] !== 'model' || before['role'] !== 'model') turns.push(content)
    else turns[turns.length - 1] = { ...before, parts: [...list(before['parts']), ...list(content['parts'])] }
  }
  return turns
}

/** In the current turn the first call of each step is signed. */
function signatureProblem(contents: readonly Json[], model: string): string | null {
  if (!/gemini-[3-9]/.test(model)) return null
  const turn = contents.findLastIndex(
    ({ role, parts }) => role === 'user' && list(parts).some((part) => !('functionResponse' in part)),
  )
  for (const { parts } of contents.slice(turn + 1)) {
    const first = list(parts).find((part) => 'functionCall' in part)
    if (first !== undefined && first['thoughtSignature'] === undefined) {
      return 'Function call is missing a thought_signature in functionCall parts.'
    }
  }
  return null
}

function toolProblem(body: Json): string | null {
  const { toolConfig, tools, generationConfig } = body
  const calling = isObject(toolConfig) ? toolConfig['functionCallingConfig'] : undefined
  const declared = list(tools).flatMap((tool) => list(tool['functionDeclarations']).map(({ name }) => name))
  if (new Set(declared).size < declared.length) return 'Duplicate function declaration found.'
  if (isObject(calling)) {
    const { mode, allowedFunctionNames: names } = calling
    if (declared.length === 0) return 'Function calling config is set without function_declarations.'
    if (Array.isArray(names)) {
      if (mode !== 'ANY' && mode !== 'VALIDATED') return 'allowed_function_names needs the mode ANY or VALIDATED.'
      if (names.some((name) => !declared.includes(name))) return 'allowed_function_names: unknown function'
    }
  }
  for (const declaration of list(tools).flatMap((tool) => list(tool['functionDeclarations']))) {
    const reference = danglingReference(declaration['parametersJsonSchema'])
    if (reference !== null)
      return `functionDeclarations.parametersJsonSchema: reference to undefined schema: ${reference}`
  }
  if (!isObject(generationConfig)) return null
  const reference = danglingReference(generationConfig['responseJsonSchema'])
  if (reference !== null) return `responseJsonSchema: reference to undefined schema: ${reference}`
  const { responseSchema, responseJsonSchema, responseMimeType, thinkingConfig } = generationConfig
  if (responseSchema !== undefined && responseJsonSchema !== undefined)
    return 'only one of response_schema and response_json_schema can be set'
  if ((responseSchema ?? responseJsonSchema) !== undefined && responseMimeType === undefined)
    return 'response_mime_type is required with a schema'
  if (!isObject(thinkingConfig)) return null
  const both = thinkingConfig['thinkingBudget'] !== undefined && thinkingConfig['thinkingLevel'] !== undefined
  return both ? 'You can only set only one of thinking budget and thinking level.' : null
}

function refersInside(parts: readonly Json[]): boolean {
  const text = JSON.stringify(
    parts.map(({ functionResponse }) => (isObject(functionResponse) ? functionResponse['response'] : null)),
  )
  return text.includes('"$ref":') || text.includes('"$defs":')
}

function list(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

function invalid(message: string): Refusal {
  return refusal(400, 'INVALID_ARGUMENT', message)
}

function refusal(status: number, word: string, message: string): Refusal {
  return { status, body: failure(status, word, message) }
}
