import { type ErrorCode, GatewayError } from '../errors.ts'

/** The system's codes for failures before a connection stood. */
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EACCES',
  'ENOENT',
])

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
  const code = errorCode(error)
  const row = classify(code, connected, answering)
  return new GatewayError(row[0], `${upstream} ${row[1]}${code === '' ? '' : ` (${code})`}.`, { cause: error })
}

function classify(code: string, connected: boolean, answering: boolean): [code: ErrorCode, text: string] {
  if (code === 'connect_timeout' || (code === 'ETIMEDOUT' && !connected)) {
    return ['upstream_unreachable', 'could not be reached in time']
  }
  if (UNREACHABLE.has(code)) return ['upstream_unreachable', 'could not be reached']
  if (/^ERR_(?:TLS|SSL)|CERT|^EPROTO$/.test(code) || UNTRUSTED.has(code)) {
    return ['upstream_tls', 'could not be trusted: the TLS handshake failed']
  }
  if (answering) return ['upstream_truncated', 'broke off its answer']
  if (code === 'invalid_answer') {
    return ['upstream_invalid_response', 'answered with something that is not valid HTTP']
  }
  return connected
    ? ['upstream_closed', 'closed the connection without an answer']
    : ['upstream_unreachable', 'could not be reached']
}

function errorCode(error: Error): string {
  const code = 'code' in error ? error.code : undefined
  if (typeof code === 'string') return code
  const cause = error.cause
  return cause instanceof Error && cause !== error ? errorCode(cause) : ''
}
