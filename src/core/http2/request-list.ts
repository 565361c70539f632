import { GatewayError } from '../errors.ts'
import { isSendableValue, isToken } from '../http1/grammar.ts'
import { headTooLarge } from '../http1/head-buffer.ts'
import { DEFAULT_HEAD_LIMITS, type HeadLimits } from '../http1/head-limits.ts'
import { lowerName } from '../http1/header-names.ts'
import { addField, checkCount, MAX_METHOD_BYTES, RequestHead, refuse } from '../http1/request-head.ts'

/** What a header costs beside its characters, when the size of a list is reckoned (RFC 9113, 6.5.2). */
const FIELD_OVERHEAD_BYTES = 32

/** Headers of one connection of HTTP/1.1, which HTTP/2 does not have (RFC 9113, 8.2.2). */
const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
])

/** What the list itself does not say. */
export interface ListContext {
  readonly scheme: 'http' | 'https'
  /** No body follows. */
  readonly complete: boolean
  readonly limits?: HeadLimits
}

type Pseudo = ':method' | ':scheme' | ':authority' | ':path'

/**
 * The head of a request of HTTP/2, from its flat list of headers, as strictly as one of HTTP/1.1 is read (RFC 9113, 8.2
 * and 8.3): what must be refused says so in `problem`.
 */
export function readRequestList(
  list: readonly string[],
  { scheme, complete, limits = DEFAULT_HEAD_LIMITS }: ListContext,
): RequestHead {
  const pseudo: Record<Pseudo, string | null> = { ':method': null, ':scheme': null, ':authority': null, ':path': null }
  let at = 0
  let problem: GatewayError | null = null
  for (; at + 1 < list.length && problem === null; at += 2) {
    const name = list[at] as string // in range
    if (!name.startsWith(':')) break
    problem = takePseudo(pseudo, name, list[at + 1] as string) // in range
  }
  problem ??= checkPseudo(pseudo, scheme)
  const head = new RequestHead(pseudo[':method'] ?? '', pseudo[':path'] ?? '')
  head.protocol = 'HTTP/2.0'
  if (problem !== null) refuse(head, problem)
  else readFields(head, list, at, { authority: pseudo[':authority'], limits })
  if (head.problem === null) checkBody(head, complete)
  return head
}

function takePseudo(pseudo: Record<Pseudo, string | null>, name: string, value: string): GatewayError | null {
  if (!(name in pseudo)) return malformed('The request has a pseudo header that requests do not have.')
  const key = name as Pseudo // it is one of them
  if (pseudo[key] !== null) return malformed(`The request has ${name} twice.`)
  if (!isSendableValue(value) || value.includes(' ')) return malformed(`${name} has characters that it may not have.`)
  pseudo[key] = value
  return null
}

function checkPseudo(pseudo: Readonly<Record<Pseudo, string | null>>, scheme: 'http' | 'https'): GatewayError | null {
  const { ':method': method, ':path': path } = pseudo
  if (method === null || !isToken(method) || method.length > MAX_METHOD_BYTES) {
    return malformed('The method is not one of HTTP.')
  }
  if (path === null || pseudo[':scheme'] === null) return malformed('The request has no :path, or no :scheme.')
  if (pseudo[':scheme'] !== scheme) return malformed(`The scheme of the request is not ${scheme}.`)
  if (!path.startsWith('/') && !(path === '*' && method === 'OPTIONS'))
    return malformed('The path does not begin with "/".')
  return null
}

function readFields(
  head: RequestHead,
  list: readonly string[],
  from: number,
  { authority, limits }: { readonly authority: string | null; readonly limits: HeadLimits },
): void {
  const { headBytes, lineBytes } = limits
  let problem: GatewayError | null = authority === null ? null : addField(head, 'host', authority, lineBytes)
  let bytes = 0
  let cookieAt = -1
  for (let at = from; at + 1 < list.length && problem === null; at += 2) {
    const name = list[at] as string // in range
    const value = list[at + 1] as string // in range
    bytes += name.length + value.length + FIELD_OVERHEAD_BYTES
    if (bytes > headBytes) problem = headTooLarge(headBytes)
    else if (name === 'host' && authority !== null) {
      if (value.toLowerCase() !== authority.toLowerCase()) problem = malformed('Host is not what :authority says.')
    } else if (name === 'cookie' && cookieAt >= 0) {
      problem = checkField(name, value)
      // One header again, as it was before it was cut for compression (RFC 9113, 8.2.3).
      head.values[cookieAt] = `${head.values[cookieAt]}; ${value}`
    } else {
      if (name === 'cookie') cookieAt = head.names.length
      problem = checkField(name, value) ?? addField(head, name, value, lineBytes)
    }
  }
  if (problem === null && head.host === null) problem = malformed('The request has neither :authority nor Host.')
  if (problem !== null) refuse(head, problem)
  else checkCount(head, limits.headers)
}

function checkField(name: string, value: string): GatewayError | null {
  if (lowerName(name) !== name) return malformed('A header name has characters that it may not have.')
  if (CONNECTION_SPECIFIC.has(name) || (name === 'te' && value !== 'trailers')) {
    return malformed(`HTTP/2 has no header ${name} with this value.`)
  }
  if (!isSendableValue(value) || value !== value.trim()) {
    return malformed(`The value of the header ${name.slice(0, 64)} has characters that it may not have.`)
  }
  return null
}

function checkBody(head: RequestHead, complete: boolean): void {
  if (complete && head.contentLength > 0) return refuse(head, malformed('The body is shorter than its Content-Length.'))
  // A body of a length that nobody has told.
  head.chunked = !complete && head.contentLength < 0
}

function malformed(message: string): GatewayError {
  return new GatewayError('malformed_request', message)
}
