import type { AnswerHeaders, UpstreamRequest } from '../phases.ts'

/** Names that HTTP/2 does not have, or that its own fields say (RFC 9113, 8.2.2 and 8.3.1). */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
])
/** Methods whose requests say that they have no body (RFC 9110, 8.6). */
const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

/** Lines that were made when a plan was compiled, taken apart once. */
const KNOWN_LINES = new Map<string, readonly string[]>()
const MAX_KNOWN_LINES = 512

/** The header list of a request, pseudo headers first. */
export function requestList(request: UpstreamRequest, scheme: 'http' | 'https', authority: string): string[] {
  const { method, path, host, fixed, headers, body, source } = request
  const list = [':method', method, ':scheme', scheme, ':authority', host ?? authority, ':path', path]
  if (fixed !== undefined) list.push(...fieldsOf(fixed))
  append(list, headers)
  if (request.takesTrailers === true) list.push('te', 'trailers')
  const length = source === undefined || source === null ? (body?.length ?? -1) : source.length
  if (length >= 0) list.push('content-length', String(length))
  else if ((source ?? null) === null && WITH_BODY.has(method)) list.push('content-length', '0')
  return list
}

function append(list: string[], headers: readonly string[]): void {
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = (headers[at] as string).toLowerCase() // in range
    if (!LEFT_OUT.has(name)) list.push(name, headers[at + 1] as string) // in range
  }
}

function fieldsOf(lines: string): readonly string[] {
  const known = KNOWN_LINES.get(lines)
  if (known !== undefined) return known
  const fields: string[] = []
  for (const line of lines.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) append(fields, [line.slice(0, colon), line.slice(colon + 1).trim()])
  }
  if (KNOWN_LINES.size >= MAX_KNOWN_LINES) KNOWN_LINES.clear()
  KNOWN_LINES.set(lines, fields)
  return fields
}

/** Headers of an answer from its flat list, without pseudo headers; what comes several times is an array. */
export function answerHeaders(list: readonly string[]): AnswerHeaders {
  // Without a prototype: a name may be any word.
  const headers: Record<string, string | string[]> = Object.create(null)
  for (let at = 0; at + 1 < list.length; at += 2) {
    const name = list[at] as string // in range
    const value = list[at + 1] as string // in range
    if (name.startsWith(':')) continue
    const held = headers[name]
    if (held === undefined) headers[name] = value
    else if (typeof held === 'string') headers[name] = [held, value]
    else held.push(value)
  }
  return headers
}
