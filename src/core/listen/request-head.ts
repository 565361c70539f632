/**
 * The head of a request, read once from the raw header list. Whatever can be read in two ways is refused here, on top
 * of what Node's own parser refuses (docs/decisions/0003-http-edge.md has the table).
 */
import { parseTraceparent } from '../../lib/index.ts'
import { GatewayError } from '../errors.ts'

export const MAX_HEADER_COUNT = 100
export const MAX_HEADER_BYTES = 8192
export const MAX_TARGET_BYTES = 8192

const CONTENT_LENGTH = /^(?:0|[1-9][0-9]{0,15})$/
/** A name or address, with a port up to 65535. */
const HOST =
  /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?$/
const CLIENT_REQUEST_ID = /^[A-Za-z0-9._:/+=-]{1,128}$/

export class RequestHead {
  /** Lower-case names and their values, in the order received. */
  readonly names: string[]
  readonly values: string[]
  host: string | null = null
  /** -1 when there is no Content-Length. */
  contentLength = -1
  chunked = false
  contentType: string | null = null
  contentEncoding: string | null = null
  expect: string | null = null
  clientRequestId: string | null = null
  traceId: string | null = null
  /** The client's span, when it sent a valid traceparent. */
  parentId: string | null = null
  traceFlags = 0

  constructor(names: string[], values: string[]) {
    this.names = names
    this.values = values
  }

  /** First value of a header (name in lower case), or null. */
  get(name: string): string | null {
    const at = this.names.indexOf(name)
    return at < 0 ? null : (this.values[at] as string) // in range: at indexes both arrays
  }
}

/** Reads a head, or says why the request is refused. `major.minor` is the HTTP version. */
export function readHead(raw: readonly string[], major: number, minor: number): RequestHead | GatewayError {
  if (major !== 1 || minor > 1) {
    return new GatewayError('version_not_supported', `HTTP/${major}.${minor} is not supported; use HTTP/1.1.`)
  }
  const count = raw.length >> 1
  if (count > MAX_HEADER_COUNT) {
    return new GatewayError(
      'headers_too_large',
      `The request has ${count} headers; at most ${MAX_HEADER_COUNT} are taken.`,
    )
  }
  const names = new Array<string>(count)
  const values = new Array<string>(count)
  const head = new RequestHead(names, values)
  for (let at = 0; at < count; at++) {
    const name = (raw[at * 2] as string).toLowerCase() // in range: raw has 2 * count items
    const value = raw[at * 2 + 1] as string // as above
    if (value.length > MAX_HEADER_BYTES) {
      return new GatewayError(
        'headers_too_large',
        `The header ${safeName(name)} is longer than ${MAX_HEADER_BYTES} bytes.`,
      )
    }
    names[at] = name
    values[at] = value
    const problem = take(head, name, value)
    if (problem !== null) return problem
  }
  return checkFraming(head, minor)
}

function take(head: RequestHead, name: string, value: string): GatewayError | null {
  switch (name.length) {
    case 4:
      if (name !== 'host') return null
      if (head.host !== null) return malformed('The request has two Host headers.')
      if (!HOST.test(value)) return malformed('The Host header is not a host name with an optional port.')
      head.host = value
      return null
    case 6:
      if (name === 'expect') head.expect = value
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
      if (name === 'content-encoding') head.contentEncoding = value
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

function checkFraming(head: RequestHead, minor: number): RequestHead | GatewayError {
  if (head.chunked && head.contentLength >= 0) {
    return malformed('The request has both Content-Length and Transfer-Encoding.')
  }
  if (minor === 0 && head.chunked) return malformed('HTTP/1.0 has no Transfer-Encoding.')
  if (minor === 1 && head.host === null) return malformed('The request has no Host header.')
  // HTTP/1.0 knows no interim answer: the expectation is to be ignored (RFC 9110, 10.1.1).
  if (minor === 0) head.expect = null
  return head
}

function malformed(message: string): GatewayError {
  return new GatewayError('malformed_request', message)
}

function safeName(name: string): string {
  return name.length > 64 ? `${name.slice(0, 64)}…` : name
}
