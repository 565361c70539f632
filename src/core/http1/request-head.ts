/**
 * The head of a request, read once and strictly (RFC 9112, sections 3 to 6; RFC 9110, section 5). What can be read in
 * two ways is refused, not repaired: docs/decisions/0003-http-edge.md has the table.
 */
import { parseTraceparent } from '../../lib/index.ts'
import { GatewayError } from '../errors.ts'
import { hasImpossible, isToken, listHas, trimmed } from './grammar.ts'
import { DEFAULT_HEAD_LIMITS, type HeadLimits } from './head-limits.ts'
import { lowerName } from './header-names.ts'
import type { KnownLines } from './known-lines.ts'

export const MAX_METHOD_BYTES = 32

const VERSION = /^HTTP\/([0-9])\.([0-9])$/
const CONTENT_LENGTH = /^(?:0|[1-9][0-9]{0,14})$/
/** A name or address, with a port up to 65535. */
const HOST =
  /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?$/
const SENDS_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])
/** As they nearly always are: looked up, the text of a head would have to be found among all names of properties first. */
const METHODS = ['GET', 'POST', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
const CLIENT_REQUEST_ID = /^[A-Za-z0-9._:/+=-]{1,128}$/

export class RequestHead {
  readonly method: string
  /** The request target as it was sent. */
  readonly target: string
  protocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2.0' = 'HTTP/1.1'
  /** Lower-case names and their values, in the order received. */
  readonly names: string[] = []
  readonly values: string[] = []
  /** Why the request must not be served; the rest of the head is then not to be relied on. */
  problem: GatewayError | null = null
  host: string | null = null
  /** -1 when there is no Content-Length. */
  contentLength = -1
  chunked = false
  /** The client goes on using the connection after the answer. */
  keepAlive = true
  /** The protocol lets the answer's body be sent in chunks. */
  takesChunks = true
  contentType: string | null = null
  contentEncoding: string | null = null
  expect: string | null = null
  clientRequestId: string | null = null
  traceId: string | null = null
  /** The client's span, when it sent a valid traceparent. */
  parentId: string | null = null
  traceFlags = 0

  constructor(method: string, target: string) {
    this.method = method
    this.target = target
  }

  /** First value of a header (name in lower case), or null. */
  get(name: string): string | null {
    const at = this.names.indexOf(name)
    return at < 0 ? null : (this.values[at] as string) // in range: at indexes both arrays
  }
}

/**
 * Reads a head of HTTP/1.x, given without the empty line that ends it. What is no head at all gives an error; a head
 * that must be refused says so in `problem`. `known`: the lines of the heads before it on its connection.
 */
export function readRequestHead(
  text: string,
  limits: HeadLimits = DEFAULT_HEAD_LIMITS,
  known: KnownLines | null = null,
): RequestHead | GatewayError {
  let lineEnd = text.indexOf('\r\n')
  if (lineEnd < 0) lineEnd = text.length
  if (hasImpossible(text, 0, lineEnd)) return impossible()
  const methodEnd = text.indexOf(' ')
  const targetEnd = text.indexOf(' ', methodEnd + 1)
  if (methodEnd < 0 || targetEnd < 0 || targetEnd > lineEnd) return malformed('The request line has not three parts.')
  const method = methodOf(text, methodEnd)
  const version = text.slice(targetEnd + 1, lineEnd)
  const problem = version === 'HTTP/1.1' ? null : checkVersion(version)
  if (problem !== null) return problem
  if (!isToken(method) || method.length > MAX_METHOD_BYTES) return malformed('The method is not one of HTTP.')
  const head = new RequestHead(method, text.slice(methodEnd + 1, targetEnd))
  if (version !== 'HTTP/1.1') head.protocol = 'HTTP/1.0'
  const rest = readFields(head, { text, from: lineEnd + 2, known }, limits)
  if (rest !== null) return rest
  if (head.problem === null) checkFraming(head, version === 'HTTP/1.1')
  return head
}

function methodOf(text: string, end: number): string {
  for (const method of METHODS) if (method.length === end && text.startsWith(method)) return method
  return text.slice(0, end)
}

function checkVersion(version: string): GatewayError | null {
  const match = VERSION.exec(version)
  if (match === null) return malformed('The request line does not end in a version of HTTP.')
  if (match[1] === '1' && match[2] === '0') return null
  return new GatewayError('version_not_supported', `${version} is not supported; use HTTP/1.1.`)
}

interface Fields {
  readonly text: string
  readonly from: number
  readonly known: KnownLines | null
}

/** An error when what follows the request line is no head. */
function readFields(head: RequestHead, { text, from, known }: Fields, limits: HeadLimits): GatewayError | null {
  let at = from
  for (let place = 0; at < text.length; place++) {
    let end = known === null ? -1 : known.find(text, at, place)
    let name: string | null
    let value: string
    if (known !== null && end >= 0) {
      name = known.name
      value = known.value
    } else {
      end = text.indexOf('\r\n', at)
      if (end < 0) end = text.length
      if (hasImpossible(text, at, end)) return impossible()
      const colon = text.indexOf(':', at)
      if (colon < 0 || colon > end) return refused(head, text, end, 'A header has no colon.')
      name = lowerName(text.slice(at, colon))
      if (name === null) return refused(head, text, end, 'A header name has characters that it may not have.')
      value = trimmed(text, colon + 1, end)
      known?.learn(text, at, end, place, { name, value })
    }
    const problem = addField(head, name, value, limits.lineBytes)
    if (problem !== null) return refused(head, text, end, problem)
    at = end + 2
  }
  checkCount(head, limits.headers)
  return null
}

/** Refuses a head for one of its lines, unless those that follow are no lines at all. */
function refused(head: RequestHead, text: string, lineEnd: number, why: GatewayError | string): GatewayError | null {
  for (let at = lineEnd + 2; at < text.length; ) {
    let end = text.indexOf('\r\n', at)
    if (end < 0) end = text.length
    if (hasImpossible(text, at, end)) return impossible()
    at = end + 2
  }
  refuse(head, typeof why === 'string' ? malformed(why) : why)
  return null
}

function impossible(): GatewayError {
  return malformed('The head has control characters or line ends that no head may have.')
}

/** Adds a header, its name a token in lower case; null unless it makes the request one to refuse. */
export function addField(head: RequestHead, name: string, value: string, maxBytes: number): GatewayError | null {
  if (value.length > maxBytes) {
    return tooLarge(`The header ${safeName(name)} is longer than ${maxBytes} bytes.`)
  }
  head.names.push(name)
  head.values.push(value)
  return take(head, name, value)
}

/** Refuses a head of too many headers. */
export function checkCount(head: RequestHead, most: number): void {
  const count = head.names.length
  if (count > most) {
    refuse(head, tooLarge(`The request has ${count} headers; at most ${most} are taken.`))
  }
}

/** Keeps what the gateway itself looks at; null unless the header makes the request one to refuse. */
function take(head: RequestHead, name: string, value: string): GatewayError | null {
  switch (name.length) {
    case 4:
      if (name !== 'host') return null
      if (head.host !== null) return malformed('The request has two Host headers.')
      if (!HOST.test(value)) return malformed('The Host header is not a host name with an optional port.')
      head.host = value
      return null
    case 6:
      if (name !== 'expect') return null
      if (head.expect !== null) return malformed('The request has two Expect headers.')
      head.expect = value
      return null
    case 10:
      if (name === 'connection' && value !== 'keep-alive' && listHas(value, 'close')) head.keepAlive = false
      return null
    case 11:
      if (name === 'traceparent') takeTrace(head, value)
      return null
    case 12:
      if (name === 'content-type') {
        if (head.contentType !== null) return malformed('The request has two Content-Type headers.')
        head.contentType = value
      } else if (name === 'x-request-id' && CLIENT_REQUEST_ID.test(value)) head.clientRequestId = value
      return null
    case 14:
      if (name !== 'content-length') return null
      if (head.contentLength >= 0) return malformed('The request has two Content-Length headers.')
      if (!CONTENT_LENGTH.test(value)) return malformed('The Content-Length header is not a plain decimal number.')
      head.contentLength = Number(value)
      return null
    case 16:
      if (name !== 'content-encoding') return null
      head.contentEncoding = head.contentEncoding === null ? value : `${head.contentEncoding}, ${value}`
      return null
    case 17:
      if (name !== 'transfer-encoding') return null
      if (head.chunked) return malformed('The request has two Transfer-Encoding headers.')
      if (value.toLowerCase() !== 'chunked') return malformed('The only transfer encoding taken is "chunked".')
      head.chunked = true
      return null
    default:
      return null
  }
}

function takeTrace(head: RequestHead, value: string): void {
  const parsed = parseTraceparent(value)
  if (parsed === null) return
  head.traceId = parsed.traceId
  head.parentId = parsed.parentId
  head.traceFlags = parsed.flags
}

function checkFraming(head: RequestHead, modern: boolean): void {
  if (head.chunked && head.contentLength >= 0) {
    return refuse(head, malformed('The request has both Content-Length and Transfer-Encoding.'))
  }
  // What follows is meant for the other end of a tunnel.
  if (head.method === 'CONNECT') head.keepAlive = false
  if (modern) {
    if (head.host === null) refuse(head, malformed('The request has no Host header.'))
    return
  }
  if (head.chunked) return refuse(head, malformed('HTTP/1.0 has no Transfer-Encoding.'))
  // RFC 1945, 8.3: without a length its body would end with the connection, which no answer could follow.
  if (head.contentLength < 0 && SENDS_BODY.has(head.method)) {
    return refuse(head, malformed(`HTTP/1.0 has no ${head.method} without Content-Length.`))
  }
  // HTTP/1.0 knows no interim answer: the expectation is to be ignored (RFC 9110, 10.1.1).
  head.expect = null
  head.takesChunks = false
  head.keepAlive = head.keepAlive && listHas(head.get('connection') ?? '', 'keep-alive')
}

/** A head that is refused says nothing reliable: what was read of it is not to be used. */
export function refuse(head: RequestHead, problem: GatewayError): void {
  head.problem = problem
  head.names.length = 0
  head.values.length = 0
  head.keepAlive = false
}

function malformed(message: string): GatewayError {
  return new GatewayError('malformed_request', message)
}

function tooLarge(message: string): GatewayError {
  return new GatewayError('headers_too_large', message)
}

function safeName(name: string): string {
  return name.length > 64 ? `${name.slice(0, 64)}…` : name
}
