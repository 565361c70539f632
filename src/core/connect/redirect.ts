import { isIP } from 'node:net'
import type { EgressPolicy, EgressTarget, NamedBy } from './egress-policy.ts'
import { canonicalHost } from './ip-address.ts'

/** A URL that may be asked for, and what its connection needs. */
export interface VettedUrl {
  readonly url: URL
  readonly target: EgressTarget
}

/** Why a URL is not asked for: a rule of the policy, or one of these forms. */
export type UrlRefusal = 'url:malformed' | 'url:scheme' | 'url:credentials' | (string & {})

/** One answer that sends its client elsewhere. */
export interface Redirect {
  readonly from: VettedUrl
  readonly status: number
  /** The header; null when it is missing. */
  readonly location: string | null
  /** Redirects that were followed before this one. */
  readonly hops: number
  readonly method: string
  /** Of the request that was redirected: name, value, name, value. */
  readonly headers: readonly string[]
}

/** The addresses of the next hop are still to be vetted: the connector does that. */
export type RedirectVerdict =
  | {
      readonly type: 'follow'
      readonly to: VettedUrl
      readonly method: string
      readonly headers: readonly string[]
      readonly body: 'keep' | 'drop'
    }
  | { readonly type: 'refuse'; readonly rule: UrlRefusal }

/** Further hops are loops, or somebody who tries his luck. */
export const MAX_HOPS = 3

const REDIRECTS = new Set([301, 302, 303, 307, 308])

/** What may be told to another origin. A list of what is known to be a secret would always be too short. */
const FOR_EVERYBODY = new Set(['accept', 'accept-encoding', 'accept-language', 'range', 'user-agent'])
const OF_THE_BODY = /^content-(?:type|language|encoding)$/

/**
 * Reads a URL that was not written by the operator. Refused: other schemes than http and https, credentials, and all
 * spellings that two parsers could read in two ways (spaces, control characters, backslashes, letters beyond ASCII).
 */
export function vetUrl(text: string, namedBy: NamedBy, policy: EgressPolicy): VettedUrl | UrlRefusal {
  if (!/^[!-~]+$/.test(text) || text.includes('\\')) return 'url:malformed'
  const [, scheme = '', authority = ''] = /^([a-z][a-z\d+.-]*):(?:\/\/([^/?#]*))?/i.exec(text) ?? []
  if (scheme === '') return 'url:malformed'
  if (!/^https?$/i.test(scheme)) return 'url:scheme'
  if (authority.includes('@')) return 'url:credentials'
  const url = authority === '' ? null : URL.parse(text)
  const host = url === null ? null : canonicalHost(url.hostname.replace(/^\[|\]$/g, ''))
  if (url === null || host === null) return 'url:malformed'
  const target = { host, port: portOf(url), namedBy }
  const verdict = policy.vetHost(target) ?? (isIP(host) === 0 ? null : policy.vetAddress(target, host))
  if (verdict?.allowed === false) return verdict.rule
  return { url, target }
}

/**
 * Decides on one redirect: where it leads, and what the next request may carry (RFC 9110, 15.4). Another origin is
 * somebody else's choice, so it hears no credentials, and its host is judged like any host that the operator did not
 * name.
 */
export function vetRedirect(redirect: Redirect, policy: EgressPolicy): RedirectVerdict {
  const { from, status, location, hops } = redirect
  if (!REDIRECTS.has(status) || location === null) return refuse('redirect:none')
  if (hops >= MAX_HOPS) return refuse('redirect:too-many')
  // Checked before it is joined: a parser of URLs drops tabs and line feeds, and turns backslashes around.
  if (!/^[!-~]+$/.test(location) || location.includes('\\')) return refuse('url:malformed')
  const joined = URL.parse(location, from.url)
  if (joined === null) return refuse('url:malformed')
  const sameOrigin = joined.origin === from.url.origin
  const absolute = /^[a-z][a-z\d+.-]*:/i.test(location) ? location : joined.href
  const to = vetUrl(absolute, sameOrigin ? from.target.namedBy : 'other', policy)
  if (typeof to === 'string') return refuse(to)
  if (from.url.protocol === 'https:' && to.url.protocol === 'http:') return refuse('redirect:downgrade')
  const { method, body } = nextMethod(status, redirect.method)
  return { type: 'follow', to, method, body, headers: kept(redirect.headers, { sameOrigin, body }) }
}

function refuse(rule: UrlRefusal): RedirectVerdict {
  return { type: 'refuse', rule }
}

/** 303 asks for a GET; 301 and 302 turn a POST into one, as every browser does; 307 and 308 change nothing. */
function nextMethod(status: number, method: string): { method: string; body: 'keep' | 'drop' } {
  const becomesGet = status === 303 ? method !== 'HEAD' : status < 303 && method === 'POST'
  return becomesGet ? { method: 'GET', body: 'drop' } : { method, body: status === 303 ? 'drop' : 'keep' }
}

function kept(headers: readonly string[], next: { sameOrigin: boolean; body: 'keep' | 'drop' }): readonly string[] {
  const result: string[] = []
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? ''
    const lower = name.toLowerCase()
    if (lower.startsWith('content-') && next.body === 'drop') continue
    if (next.sameOrigin || FOR_EVERYBODY.has(lower) || OF_THE_BODY.test(lower)) result.push(name, headers[at + 1] ?? '')
  }
  return result
}

function portOf({ port, protocol }: URL): number {
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
}
