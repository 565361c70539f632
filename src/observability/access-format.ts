import { ACCESS_PLACEHOLDER, type AccessPlaceholder } from '../config/index.ts'
import type { Exchange } from '../core/index.ts'
import { LruMap } from '../lib/index.ts'
import type { RequestRecord } from '../storage/index.ts'
import { cut, escapeUnsafe } from './json-text.ts'
import { isSecretField, REDACTED, redactText } from './redact.ts'

/** How lines of the access log are written, as the configuration has it. */
export type AccessFormatName = 'json' | 'combined' | { readonly template: string }

/** Makes the line of one request. */
export type AccessFormat = (x: Exchange, record: RequestRecord) => string

/** `combined` of Apache and nginx. */
const COMBINED =
  '{client_address} - {key_id} [{time_common}] "{method} {uri} {protocol}" {status} {bytes_out} "{header.referer}" "{header.user-agent}"'

/** Longest value in a line. */
const MAX_VALUE = 1_024
const MISSING = '-'

type Source = (x: Exchange, record: RequestRecord) => string | number | null

const SOURCES: Readonly<Record<AccessPlaceholder, Source>> = {
  attempts: (_x, record) => record.attempts,
  bytes_in: (_x, record) => record.bytes_in,
  bytes_out: (_x, record) => record.bytes_out,
  client_address: (x, record) => x.origin?.address ?? record.client_address,
  client_certificate: (x) => x.client.certificate?.subject ?? null,
  client_fingerprint: (x) => x.client.certificate?.fingerprint ?? null,
  client_request_id: (_x, record) => record.client_request_id,
  error_code: (_x, record) => record.error_code,
  first_byte_ms: (_x, record) => milliseconds(record.first_byte_us),
  host: (x) => x.origin?.host ?? x.head.host,
  id: (_x, record) => record.id,
  key_id: (_x, record) => record.key_id,
  method: (_x, record) => record.method,
  outcome: (_x, record) => record.outcome,
  path: (_x, record) => record.path,
  protocol: (x) => x.head.protocol,
  query: (x) => withoutSecrets(x.query),
  route: (_x, record) => record.route,
  status: (_x, record) => record.status,
  time: (_x, record) => record.time,
  time_common: (_x, record) => commonTime(record.time),
  time_iso: (_x, record) => new Date(record.time).toISOString(),
  total_ms: (_x, record) => milliseconds(record.total_us),
  trace_id: (_x, record) => record.trace_id,
  upstream: (_x, record) => record.upstream,
  uri: (x, record) => (x.query === '' ? record.path : `${record.path}?${withoutSecrets(x.query)}`),
  worker: (_x, record) => record.worker,
}

/** What an HTTP server knows of a request beside its record, as fields of JSON; secrets in the query are replaced. */
export function edgeFields(x: Exchange): string {
  const agent = x.head.get('user-agent')
  const host = x.origin?.host ?? x.head.host
  const scheme = x.origin?.scheme ?? x.client.scheme
  const { protocol } = x.head
  const key = `${scheme} ${protocol} ${host} ${agent}`
  let text = alike.get(key)
  if (text === undefined) {
    const user_agent = agent === null ? null : redactText(agent)
    text = [textOf({ host, scheme, protocol }), textOf({ user_agent })]
    alike.set(key, text)
  }
  const query = x.query === '' ? '"query":null' : textOf({ query: withoutSecrets(x.query) })
  const { certificate } = x.client
  const shown = certificate === null ? '' : `,${textOf({ client_certificate: certificate.subject })}`
  return `${text[0]},${query},${text[1]}${shown}`
}

/** What clients say of themselves is nearly always what they said before: its text is made once. */
const alike = new LruMap<string, readonly [before: string, after: string]>(256)

function textOf(fields: object): string {
  return escapeUnsafe(JSON.stringify(fields, cutValue)).slice(1, -1)
}

function cutValue(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? cut(value, MAX_VALUE) : value
}

/** Compiles a format; null for JSON, which the record's own encoder writes. Placeholders were checked with the schema. */
export function compileAccessFormat(format: AccessFormatName): AccessFormat | null {
  if (format === 'json') return null
  const text = format === 'combined' ? COMBINED : format.template
  const parts: (string | Source)[] = []
  let at = 0
  for (const match of text.matchAll(ACCESS_PLACEHOLDER)) {
    parts.push(text.slice(at, match.index), sourceOf(match[1] ?? '', match[2]))
    at = match.index + match[0].length
  }
  parts.push(text.slice(at))
  return (x, record) => {
    let line = ''
    for (const part of parts) line += typeof part === 'string' ? part : shown(part(x, record))
    return line
  }
}

function sourceOf(name: string, header: string | undefined): Source {
  if (header === undefined) return SOURCES[name as AccessPlaceholder] // the schema knows no others
  if (isSecretField(header)) return () => REDACTED
  return (x) => {
    const value = x.head.get(header)
    const query = value?.indexOf('?') ?? -1
    if (value === null || query < 0) return value === null ? null : redactText(value)
    return redactText(value.slice(0, query + 1)) + withoutSecrets(value.slice(query + 1))
  }
}

/** A query with the values of parameters that are secret by their name, or look like it, replaced. */
function withoutSecrets(query: string): string {
  if (query === '') return query
  const shown = query.split('&').map((pair) => {
    const end = pair.indexOf('=')
    return end >= 0 && isSecretField(decoded(pair.slice(0, end))) ? `${pair.slice(0, end)}=${REDACTED}` : pair
  })
  return redactText(shown.join('&'))
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    // It is no encoding of anything: the name is what was sent.
    return name
  }
}

/** A value in a line: what could end it, or the quotes around it, is written as nginx does (`\x22`). */
function shown(value: string | number | null): string {
  if (typeof value === 'number') return String(value)
  if (value === null || value === '') return MISSING
  return cut(value, MAX_VALUE).replaceAll(/["\\]|[^ -~]/g, (character) =>
    [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}

function milliseconds(microseconds: number | null): string | null {
  return microseconds === null ? null : (microseconds / 1_000).toFixed(3)
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `10/Oct/2000:13:55:36 +0000`, always in UTC. */
function commonTime(time: number): string {
  const iso = new Date(time).toISOString()
  const month = MONTHS[Number(iso.slice(5, 7)) - 1] ?? ''
  return `${iso.slice(8, 10)}/${month}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`
}
