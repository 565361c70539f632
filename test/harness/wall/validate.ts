import { isObject, type JsonObject, parseJson } from '../json.ts'
import { operationOf } from './operations.ts'
import { headerOf, type ReadRequest } from './request-reader.ts'

/** What the vendor says of a request: its body, or the error it is answered with. */
export type Validation =
  | { readonly ok: true; readonly body: JsonObject }
  | { readonly ok: false; readonly status: number; readonly reason: string }

const KNOWN_FIELDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  model: (value) => typeof value === 'string' && value !== '',
  messages: (value) => Array.isArray(value) && value.length > 0 && value.every(isMessage),
  stream: (value) => typeof value === 'boolean' || value === null,
  stream_options: (value) => value === null || isObject(value),
  max_tokens: (value) => value === null || isCount(value),
  max_completion_tokens: (value) => value === null || isCount(value),
  temperature: (value) => value === null || typeof value === 'number',
  n: (value) => value === null || isCount(value),
  user: (value) => typeof value === 'string',
  tools: (value) => Array.isArray(value),
}

const ROLES = new Set(['system', 'developer', 'user', 'assistant', 'tool'])

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value > 0
}

function isMessage(value: unknown): boolean {
  if (!isObject(value) || typeof value.role !== 'string' || !ROLES.has(value.role)) return false
  const { content } = value
  return typeof content === 'string' || Array.isArray(content) || (content === null && value.role === 'assistant')
}

const refuse = (status: number, reason: string): Validation => ({ ok: false, status, reason })

/** Checks a request as strictly as the vendor's API does, and the HTTP around it more strictly. */
export function validateRequest(request: ReadRequest, providerKey: string): Validation {
  const [method, target, version, ...more] = request.head.startLine.split(' ')
  if (version !== 'HTTP/1.1' || more.length > 0) return refuse(400, `illegal request line ${request.head.startLine}`)
  const operation = operationOf(request)
  if (operation === null && target !== '/v1/chat/completions') return refuse(404, `unknown path ${target}`)
  if (method !== 'POST') return refuse(405, `unknown method ${method}`)
  const repeated = repeatedHeader(request)
  if (repeated !== undefined) return refuse(400, `header ${repeated} is sent twice`)
  if (headerOf(request, 'host') === undefined) return refuse(400, 'no host')
  if (headerOf(request, 'authorization') !== `Bearer ${providerKey}`) return refuse(401, 'wrong provider key')
  if (operation !== null) {
    return operation.body === null ? refuse(400, 'a wrong body') : { ok: true, body: operation.body }
  }
  const mediaType = headerOf(request, 'content-type')?.split(';')[0]?.trim().toLowerCase()
  if (mediaType !== 'application/json') return refuse(400, `content-type is ${mediaType ?? 'missing'}`)
  return validateBody(request.body)
}

function validateBody(bytes: Buffer): Validation {
  const text = bytes.toString('utf8')
  if (!Buffer.from(text, 'utf8').equals(bytes)) return refuse(400, 'the body is not UTF-8')
  const body = parseJson(text)
  if (!isObject(body)) return refuse(400, 'the body is not a JSON object')
  for (const required of ['model', 'messages']) {
    if (!Object.hasOwn(body, required)) return refuse(400, `${required} is missing`)
  }
  // Own names only: a member called `constructor` is not a known field.
  const known = (name: string) => (Object.hasOwn(KNOWN_FIELDS, name) ? KNOWN_FIELDS[name] : undefined)
  const wrong = Object.entries(body).find(([name, value]) => known(name)?.(value) === false)
  return wrong ? refuse(400, `invalid value of ${wrong[0]}`) : { ok: true, body }
}

const SINGLE = ['host', 'content-type', 'content-length', 'authorization', 'x-request-id', 'traceparent', 'user-agent']

function repeatedHeader(request: ReadRequest): string | undefined {
  return SINGLE.find((name) => request.head.fields.filter(([field]) => field.toLowerCase() === name).length > 1)
}
