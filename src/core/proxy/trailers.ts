import type { Exchange } from '../exchange.ts'
import { listHas } from '../http1/grammar.ts'
import { isClaim } from './claims.ts'
import { isHopByHop, isTwin } from './hop-by-hop.ts'

/**
 * What a field behind a body must not say (RFC 9110, 6.5.1): how the message is framed or routed, who somebody is, what
 * the content is, how a request is to be treated or an answer to be kept. A reader may have acted without it by then, or
 * may merge it into the headers after they were checked.
 */
const FORBIDDEN = new Set([
  '__proto__',
  'age',
  'authentication-info',
  'authorization',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-location',
  'content-range',
  'content-security-policy',
  'content-type',
  'cookie',
  'date',
  'expires',
  'forwarded',
  'location',
  'max-forwards',
  'pragma',
  'proxy-authentication-info',
  'range',
  'retry-after',
  'set-cookie',
  'strict-transport-security',
  'traceparent',
  'tracestate',
  'vary',
  'via',
  'warning',
  'www-authenticate',
  'x-request-id',
])
const FORBIDDEN_KINDS = /^(?:if-|sec-|x-ferro-|access-control-)/

function isAllowed(name: string): boolean {
  if (FORBIDDEN.has(name) || FORBIDDEN_KINDS.test(name) || isClaim(name)) return false
  return !isHopByHop(name, null) && !isTwin(name)
}

/** Those of a flat list that may be passed on; null for none. */
export function passableTrailers(trailers: readonly string[]): readonly string[] | null {
  const out: string[] = []
  for (let at = 0; at + 1 < trailers.length; at += 2) {
    const name = trailers[at] as string // in range
    if (isAllowed(name)) out.push(name, trailers[at + 1] as string) // in range
  }
  return out.length === 0 ? null : out
}

/** The names of a Trailer header that may be passed on; null for none. */
export function passableNames(trailer: string): string | null {
  const names = trailer.split(',').map((name) => name.trim().toLowerCase())
  return names.filter((name) => name !== '' && isAllowed(name)).join(', ') || null
}

/** Whether the client has said that it reads trailers. */
export function takesTrailers(x: Exchange): boolean {
  const te = x.head.get('te')
  return te !== null && listHas(te, 'trailers')
}
