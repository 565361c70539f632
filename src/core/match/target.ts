/**
 * The request target has one canonical path, decided once: it is matched, authorised and forwarded. A target that
 * can be read in two ways is refused, not repaired.
 */
import { GatewayError } from '../errors.ts'
import { DEFAULT_HEAD_LIMITS } from '../http1/head-limits.ts'
import { canonicalPath } from './canonical-path.ts'

export interface Target {
  readonly path: string
  readonly query: string
}

/** Printable ASCII without `\`, `#` and space: what a target may be made of. */
const ALLOWED = /^\/[!-"$-[\]-~]*$/
const PLAIN_QUERY = /^[!"$-~]*$/
const UNPRINTABLE = /[^!-~]/g
/** Dot segments, empty segments, and encodings of characters that would change how the path is cut. */
const AMBIGUOUS = /\/\/|\/\.{1,2}(?:\/|$|;)|;|%(?:00|25|5[cC]|2[eE])/
const MARK = /;|%25/
/** An encoded slash: only a route's last, named part may hold one. */
const ENCODED_SLASH = /%2[fF]/

/** Splits a target into path and query string, or refuses it. */
export function splitTarget(url: string, maxBytes = DEFAULT_HEAD_LIMITS.lineBytes): Target | GatewayError {
  if (url.length > maxBytes) return tooLong(maxBytes)
  const cut = url.indexOf('?')
  const path = cut < 0 ? url : url.slice(0, cut)
  if (!ALLOWED.test(path)) {
    return new GatewayError('invalid_target', 'The request target must be a path that starts with "/".')
  }
  if (AMBIGUOUS.test(path)) {
    return new GatewayError('invalid_target', 'The path has dot segments, empty segments or ambiguous encodings.')
  }
  return withQuery(path, url, cut)
}

/**
 * The same where routes of the configuration may be meant: spellings of one path become one, and what a path may hold
 * is wider. The route that is found decides about encoded slashes.
 */
export function splitRouteTarget(url: string, maxBytes = DEFAULT_HEAD_LIMITS.lineBytes): Target | GatewayError {
  if (url.length > maxBytes) return tooLong(maxBytes)
  const cut = url.indexOf('?')
  const path = canonicalPath(cut < 0 ? url : url.slice(0, cut), ROUTE_PATHS)
  if (path instanceof GatewayError) return path
  return withQuery(path, url, cut)
}

function tooLong(maxBytes: number): GatewayError {
  return new GatewayError('uri_too_long', `The request target is longer than ${maxBytes} bytes.`)
}

/** Adds what stands behind the question mark at `cut` (-1: there is none), in a form that can be sent on. */
function withQuery(path: string, url: string, cut: number): Target | GatewayError {
  if (cut < 0) return { path, query: '' }
  const query = url.slice(cut + 1)
  if (PLAIN_QUERY.test(query)) return { path, query }
  if (query.includes('#')) return new GatewayError('invalid_target', 'The query has a "#".')
  return { path, query: query.replace(UNPRINTABLE, encoded) }
}

/** A byte that came raw where only its encoding belongs: browsers' address lines and simple clients send UTF-8 as it is. */
function encoded(byte: string): string {
  return `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

const ROUTE_PATHS = { segments: 'refuse', encodedSlash: 'allow', marks: 'allow' } as const

/** True when the path holds a mark (`;`, `%25`) that only routes which say so take. */
export function hasMark(path: string): boolean {
  return MARK.test(path)
}

/** True when the path holds an encoded slash. */
export function hasEncodedSlash(path: string): boolean {
  return ENCODED_SLASH.test(path)
}
