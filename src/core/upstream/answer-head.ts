import { hasImpossible, isToken, listHas, trimmed } from '../http1/grammar.ts'
import type { KnownLines } from '../http1/known-lines.ts'
import type { AnswerHeaders } from '../phases.ts'
import { TransportError } from './transport-error.ts'

/** How the body of an answer ends. */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  /** By the end of the connection. */
  | { readonly kind: 'close' }

export interface AnswerHead {
  readonly status: number
  readonly headers: AnswerHeaders
  readonly framing: Framing
  /** Another request may follow on this connection. */
  readonly keepAlive: boolean
  /** Milliseconds that the upstream says it keeps an idle connection, within reason; null when it does not say. */
  readonly idleMs: number | null
}

/** Statuses from 600 on do not exist (RFC 9110, 15). */
const USUAL_LINE = 'HTTP/1.1 200 OK\r\n'
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5][0-9]{2})(?: [\t -~\x80-\xff]*)?$/
/** Fifteen digits count exactly in a double; a zero in front could mean octal to somebody. */
const DIGITS = /^(?:0|[1-9][0-9]{0,14})$/
const MAX_HEADERS = 200
/** However long an upstream says that it keeps idle connections, middle boxes forget them sooner. */
const MAX_IDLE_HINT_MS = 600_000

const NO_BODY: Framing = { kind: 'none' }
const CHUNKED: Framing = { kind: 'chunked' }
const UNTIL_CLOSE: Framing = { kind: 'close' }

/** Header names seen before, in lower case: checked once, and the same text each time. */
const KNOWN_NAMES = new Map<string, string>()
const MAX_KNOWN_NAMES = 512

/**
 * Reads the head of an answer (RFC 9112, sections 4 to 6), given without the empty line that ends it. Throws
 * TransportError `invalid_answer` for everything that is not strictly HTTP/1.1, or whose body could be cut in two ways.
 * `known`: the lines of the heads before it on its connection.
 */
export function readAnswerHead(text: string, method: string, known: KnownLines | null = null): AnswerHead {
  let at = 0
  let status = 200
  let modern = true
  if (text.startsWith(USUAL_LINE)) at = USUAL_LINE.length
  else {
    let lineEnd = text.indexOf('\r\n')
    if (lineEnd < 0) lineEnd = text.length
    const line = STATUS_LINE.exec(text.slice(0, lineEnd))
    if (line === null) throw invalid('the status line is not one of HTTP/1.1')
    status = Number(line[2])
    modern = line[1] === '1'
    at = lineEnd + 2
  }
  const headers: Record<string, string | string[]> = {}
  for (let place = 0; at < text.length; place++) {
    if (place === MAX_HEADERS) throw invalid(`there are more than ${MAX_HEADERS} headers`)
    let end = known === null ? -1 : known.find(text, at, place)
    if (known !== null && end >= 0) add(headers, known.name, known.value)
    else {
      end = text.indexOf('\r\n', at)
      if (end < 0) end = text.length
      if (hasImpossible(text, at, end)) throw invalid('the head has characters that no head may have')
      const colon = text.indexOf(':', at)
      if (colon < 0 || colon > end) throw invalid('a header has no colon')
      const name = nameOf(text.slice(at, colon))
      const value = trimmed(text, colon + 1, end)
      known?.learn(text, at, end, place, { name, value })
      add(headers, name, value)
    }
    at = end + 2
  }
  const framing = framingOf(status, method, headers, modern)
  const connection = headers['connection']
  const keepAlive = modern && framing.kind !== 'close' && !hasToken(connection, 'close')
  return { status, headers, framing, keepAlive, idleMs: idleHint(headers['keep-alive']) }
}

function nameOf(raw: string): string {
  const known = KNOWN_NAMES.get(raw)
  if (known !== undefined) return known
  if (!isToken(raw)) throw invalid('a header name has characters that it may not have')
  if (KNOWN_NAMES.size >= MAX_KNOWN_NAMES || raw.length > 64) return raw.toLowerCase()
  // A copy: `raw` is a part of its head, and would keep all of it in memory.
  const kept = Buffer.from(raw, 'latin1').toString('latin1')
  const name = kept.toLowerCase()
  KNOWN_NAMES.set(kept, name)
  return name
}

function add(headers: Record<string, string | string[]>, name: string, value: string): void {
  // The one name that is no ordinary property of an object.
  if (name === '__proto__') return
  const held = headers[name]
  // Every object has a `constructor`.
  if (held === undefined || !Object.hasOwn(headers, name)) headers[name] = value
  else if (typeof held === 'string') headers[name] = [held, value]
  else held.push(value)
}

function framingOf(
  status: number,
  method: string,
  headers: Readonly<Record<string, string | string[]>>,
  modern: boolean,
): Framing {
  const coding = headers['transfer-encoding']
  const length = headers['content-length']
  if (coding !== undefined && length !== undefined) {
    throw invalid('it has both Content-Length and Transfer-Encoding')
  }
  if (length !== undefined && (typeof length !== 'string' || !DIGITS.test(length))) {
    throw invalid('its Content-Length is not one plain number')
  }
  if (coding !== undefined) {
    if (!modern) throw invalid('an answer of HTTP/1.0 has no Transfer-Encoding')
    if (typeof coding !== 'string' || coding.toLowerCase() !== 'chunked') {
      throw invalid('its transfer encoding is not "chunked"')
    }
  }
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return NO_BODY
  if (coding !== undefined) return CHUNKED
  if (length === undefined) return UNTIL_CLOSE
  return length === '0' ? NO_BODY : { kind: 'length', length: Number(length) }
}

function hasToken(value: string | string[] | undefined, token: string): boolean {
  if (value === undefined || value === 'keep-alive') return false
  return listHas(typeof value === 'string' ? value : value.join(','), token)
}

function idleHint(value: string | string[] | undefined): number | null {
  if (typeof value !== 'string') return null
  const match = /(?:^|[,\s])timeout=(\d{1,6})/i.exec(value)
  return match === null ? null : Math.min(Number(match[1]) * 1000, MAX_IDLE_HINT_MS)
}

function invalid(what: string): TransportError {
  return new TransportError('invalid_answer', `The answer is not valid HTTP/1.1: ${what}.`)
}
