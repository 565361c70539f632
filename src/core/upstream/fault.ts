import type { Failure } from '../balance/outcome.ts'
import { type ErrorCode, GatewayError } from '../errors.ts'

/** Certificates that OpenSSL refuses (Node's documentation, "X509 certificate error codes") without the word in the code. */
const UNTRUSTED = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_CRL',
  'CRL_SIGNATURE_FAILURE',
  'CRL_NOT_YET_VALID',
  'CRL_HAS_EXPIRED',
  'INVALID_CA',
  'PATH_LENGTH_EXCEEDED',
  'INVALID_PURPOSE',
  'HOSTNAME_MISMATCH',
])

/** What a transport's error means. Decided by code, never by message. */
export function faultOf(error: Error, upstream: string, connected: boolean, answering: boolean): GatewayError {
  // A transport that had to do something else first says itself what went wrong with it.
  if (error instanceof GatewayError) return error
  const code = errorCode(error)
  const row = classify(code, connected, answering)
  return new GatewayError(row[0], `${upstream} ${row[1]}${code === '' ? '' : ` (${code})`}.`, { cause: error })
}

function classify(code: string, connected: boolean, answering: boolean): [code: ErrorCode, text: string] {
  if (answering) return ['upstream_truncated', 'broke off its answer']
  if (code === 'invalid_answer') {
    return ['upstream_invalid_response', 'answered with something that is not valid HTTP']
  }
  // These two promise that nothing was sent: the same codes later (a route that is lost, a broken TLS record) do not.
  if (connected) return ['upstream_closed', 'closed the connection without an answer']
  if (code === 'egress_denied') return ['egress_denied', 'may not be connected to: the egress policy denies it']
  if (/^ERR_(?:TLS|SSL)|CERT|^EPROTO$/.test(code) || UNTRUSTED.has(code)) {
    return ['upstream_tls', 'could not be trusted: the TLS handshake failed']
  }
  if (code === 'connect_timeout' || code === 'ETIMEDOUT') {
    return ['upstream_unreachable', 'could not be reached in time']
  }
  return ['upstream_unreachable', 'could not be reached']
}

/** The same, in the words of those who decide whether another attempt follows. */
export function failureOf(error: Error, connected: boolean, answering: boolean): Failure {
  if (answering) return 'truncated'
  if (error instanceof GatewayError) return error.code === 'saturated' ? 'saturated' : 'unreachable'
  const code = errorCode(error)
  if (code === 'invalid_answer') return 'invalid_answer'
  if (code === 'stale_connection') return 'stale_connection'
  if (connected) return 'closed'
  return classify(code, connected, answering)[0] === 'upstream_tls' ? 'untrusted' : 'unreachable'
}

/** True when the upstream has said that it did not look at the request: it may go elsewhere, whatever its method. */
export function isRefused(error: unknown): boolean {
  return error instanceof Error && errorCode(error) === 'refused_stream'
}

/** Errors wrap each other a few deep; what wraps itself ends here. */
const MAX_CAUSES = 8

function errorCode(error: Error): string {
  let at: unknown = error
  for (let depth = 0; depth < MAX_CAUSES && at instanceof Error; depth++) {
    if ('code' in at && typeof at.code === 'string') return at.code
    at = at.cause
  }
  return ''
}
