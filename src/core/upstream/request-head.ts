import type { UpstreamRequest } from '../phases.ts'

/** Methods whose requests say that they have no body (RFC 9110, 8.6). */
const WITH_BODY = new Set(['POST', 'PUT', 'PATCH'])

/** The head of a request as it goes over the wire, to the blank line; `authority` is the server's, where the request names none. */
export function requestHead(request: UpstreamRequest, authority: string): string {
  const { method, path, host, headers, fixed, source, upgrade = null } = request
  const kept = request.takesTrailers === true ? 'keep-alive, te\r\nte: trailers' : 'keep-alive'
  const connection = upgrade === null ? kept : `upgrade\r\nupgrade: ${upgrade}`
  let head = `${method} ${path} HTTP/1.1\r\nhost: ${host ?? authority}\r\nconnection: ${connection}\r\n${fixed ?? ''}`
  for (let at = 0; at + 1 < headers.length; at += 2) head += `${headers[at]}: ${headers[at + 1]}\r\n`
  if (source !== undefined && source !== null) {
    head += source.length < 0 ? 'transfer-encoding: chunked\r\n' : `content-length: ${source.length}\r\n`
  } else {
    const length = lengthOf(request)
    if (length >= 0) head += `content-length: ${length}\r\n`
    else if (WITH_BODY.has(method)) head += 'content-length: 0\r\n'
  }
  return `${head}\r\n`
}

/** Of the body; -1 when there is none. */
function lengthOf(request: UpstreamRequest): number {
  const { pieces = null } = request
  // Asked for, it would be joined.
  if (pieces === null) return request.body?.length ?? -1
  let length = 0
  for (const piece of pieces) length += piece.length
  return length
}
