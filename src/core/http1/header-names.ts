import { isToken } from './grammar.ts'

/** Names that requests commonly have; a fixed list, so that no client can fill it with names of its own. */
const COMMON = [
  'Host',
  'Accept',
  'Accept-Charset',
  'Accept-Encoding',
  'Accept-Language',
  'Api-Key',
  'Authorization',
  'Cache-Control',
  'Connection',
  'Content-Encoding',
  'Content-Length',
  'Content-Type',
  'Cookie',
  'Date',
  'Expect',
  'Forwarded',
  'Idempotency-Key',
  'If-Match',
  'If-Modified-Since',
  'If-None-Match',
  'If-Range',
  'Keep-Alive',
  'Origin',
  'Pragma',
  'Priority',
  'Range',
  'Referer',
  'Sec-Fetch-Dest',
  'Sec-Fetch-Mode',
  'Sec-Fetch-Site',
  'Te',
  'Traceparent',
  'Tracestate',
  'Transfer-Encoding',
  'Upgrade',
  'User-Agent',
  'Via',
  'X-Api-Key',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-Forwarded-Proto',
  'X-Real-Ip',
  'X-Request-Id',
]

/** Both spellings of the common names, and the lower-case one. */
const LOWER = new Map<string, string>()
for (const name of COMMON) {
  const lower = name.toLowerCase()
  LOWER.set(name, lower).set(lower, lower)
}

/** A header name in lower case, or null when it is none. */
export function lowerName(raw: string): string | null {
  const known = LOWER.get(raw)
  if (known !== undefined) return known
  return isToken(raw) ? raw.toLowerCase() : null
}
