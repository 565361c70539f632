import type { BlockList } from 'node:net'
import { formatTraceparent } from '../../lib/index.ts'
import { GatewayError } from '../errors.ts'
import type { Exchange } from '../exchange.ts'
import { isToken, listHas } from '../http1/grammar.ts'
import { expectationProblem } from '../listen/body.ts'
import { bodyTooLarge } from '../listen/body-errors.ts'
import type { AnswerTap, Candidate, Hook, Upstream, UpstreamRequest } from '../phases.ts'
import type { HeaderEdit } from '../routes/header-edits.ts'
import { isClaim } from './claims.ts'
import { isIn } from './client-address.ts'
import { allValues } from './header-values.ts'
import { isHopByHop, isTwin } from './hop-by-hop.ts'
import { ProxiedRequest, type ProxyRules } from './proxied-request.ts'
import { RelayTap } from './relay-tap.ts'
import { KEPT_BYTES, RelayedBody } from './relayed-body.ts'
import { type RewriteRules, rewrittenPath } from './rewrite.ts'
import { passableNames, takesTrailers } from './trailers.ts'
import type { UpgradeOrigins } from './upgrade-origins.ts'
import { type WayBackRules, wayBackOf } from './way-back.ts'

export interface ProxyRouteOptions {
  readonly rules: ProxyRules
  readonly rewrite: RewriteRules | null
  readonly bodyLimit: number
  /** Protocols that may be switched to, in lower case. */
  readonly upgrades: readonly string[]
  /** Which pages may have that; absent or null: all. */
  readonly upgradeOrigins?: UpgradeOrigins | null
}

/** Bodies above this are relayed while they arrive; smaller ones are read first, and can be sent again. */
export const RELAY_ABOVE = KEPT_BYTES

/** The inspect hook of a route that a pool of servers answers. */
export function createProxyInspect(options: ProxyRouteOptions): Hook {
  const { rules, rewrite, bodyLimit, upgrades, upgradeOrigins = null } = options
  return (x) => {
    const { head } = x
    const unmet = expectationProblem(head)
    if (unmet !== null) return unmet
    const path = rewrite === null ? x.path : rewrittenPath(x, rewrite)
    if (path instanceof GatewayError) return path
    const relayed = x.body === null && (head.chunked || head.contentLength > 0)
    if (relayed && head.contentLength > bodyLimit) return bodyTooLarge(bodyLimit)
    const body = relayed ? new RelayedBody(x, bodyLimit) : null
    // The bytes of another protocol could not be told from the rest of a body.
    const upgrade = upgrades.length === 0 || relayed ? null : upgradeOf(x, upgrades)
    if (upgrade !== null && upgradeOrigins !== null && !upgradeOrigins(x)) {
      return new GatewayError('forbidden', 'Pages of this origin may not open a connection here.')
    }
    const query = rewrite?.query == null ? x.query : rewrite.query(x)
    const target = query === '' ? path : `${path}?${query}`
    const request = new ProxiedRequest(x, rules, target, { body, upgrade })
    x.attempting = request
    x.surface = request
    x.upload = body
    if (body !== null) x.client.readBody(body)
    return null
  }
}

export interface ProxyCandidateOptions {
  readonly upstream: Upstream
  readonly edit: HeaderEdit | null
  /** Which Host the server sees: `target`, `client`, or a name. */
  readonly host: string
  readonly maxResponse: number
  readonly trusted: BlockList | null
  readonly rewrite: RewriteRules | null
}

/** One server of a pool, as a route sends requests to it. */
export class ProxyCandidate implements Candidate {
  readonly name: string
  readonly upstream: Upstream
  readonly #options: ProxyCandidateOptions
  readonly #wayBack: WayBackRules | null

  constructor(options: ProxyCandidateOptions) {
    this.name = options.upstream.origin
    this.upstream = options.upstream
    this.#options = options
    this.#wayBack = wayBackOf(options.rewrite, { origin: options.upstream.origin, host: options.host })
  }

  encode(x: Exchange): UpstreamRequest {
    const request = x.surface as ProxiedRequest // set by the inspect hook of the only routes that have such candidates
    const headers = this.#headers(x)
    this.#options.edit?.(x, headers)
    const bodiless = x.method === 'GET' || x.method === 'HEAD'
    const body = x.body !== null && (x.body.length > 0 || !bodiless) ? x.body : null
    const { host: seen } = this.#options
    const host = seen === 'client' ? x.head.host : seen === 'target' ? null : seen
    return {
      method: x.method,
      path: request.target,
      host,
      headers,
      body,
      source: request.body,
      connectTimeoutMs: this.upstream.timeouts.connectMs,
      takesTrailers: takesTrailers(x),
      upgrade: request.upgrade,
    }
  }

  open(x: Exchange): AnswerTap {
    return new RelayTap(x, this.#options.maxResponse, this.#wayBack)
  }

  #headers(x: Exchange): string[] {
    const { names, values } = x.head
    const connection = allValues(x.head, 'connection')
    const { overlay } = x
    const { trusted } = this.#options
    const isTrusted = trusted !== null && isIn(trusted, x.client.address ?? '')
    const out: string[] = []
    for (let at = 0; at < names.length; at++) {
      const name = names[at] as string // in range
      if (REPLACED.has(name) || isHopByHop(name, connection) || isTwin(name)) continue
      if (overlay?.removed.has(name) === true || (!isTrusted && isClaim(name))) continue
      out.push(name, values[at] as string) // as long as names
    }
    if (overlay !== null) out.push(...overlay.set)
    this.#pushForwarded(x, out, isTrusted)
    out.push('x-request-id', x.head.clientRequestId ?? x.id)
    pushTrace(x, out)
    const request = x.surface as ProxiedRequest // as above
    if (request.upgrade !== null) pushUpgrade(x, out)
    const trailer = request.body?.length === -1 ? allValues(x.head, 'trailer') : null
    const announced = trailer === null ? null : passableNames(trailer)
    if (announced !== null) out.push('trailer', announced)
    return out
  }

  /** What a client says of itself is only kept when it is a trusted proxy. */
  #pushForwarded(x: Exchange, out: string[], isTrusted: boolean): void {
    const peer = x.client.address ?? ''
    const before = isTrusted ? forwardedBefore(x, peer) : null
    out.push('x-forwarded-for', before === null ? peer : `${before}, ${peer}`)
    out.push('x-forwarded-proto', x.origin?.scheme ?? x.client.scheme)
    const host = x.origin?.host ?? x.head.host
    if (host !== null && host !== '') out.push('x-forwarded-host', host)
  }
}

/** The addresses in front of a trusted peer: all that proxies wrote, or the client that `Forwarded` names. */
function forwardedBefore(x: Exchange, peer: string): string | null {
  // Two headers that say who it is may say different things: the one that the gateway itself went by is passed on.
  if (x.plan.trust?.headers.has('forwarded') !== true) {
    return x.plan.trust?.headers.has('x-forwarded-for') === true ? allValues(x.head, 'x-forwarded-for') : null
  }
  const { origin } = x
  return origin === null || origin.address === peer ? null : origin.address
}

/** Said by the gateway itself. */
const REPLACED = new Set([
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-real-ip',
  'forwarded',
  'x-request-id',
  'traceparent',
  'tracestate',
])
/** Longer ones may be dropped (W3C Trace Context, section 3.3.1.5), and nobody is to be made to carry them. */
const MAX_TRACESTATE = 512

/**
 * The client's trace goes on with the client's span for its parent: the gateway exports no span of its own, and a parent
 * that nobody exports would tear the trace apart. Without one none is begun: its flags would decide for every server
 * behind what is sampled.
 */
function pushTrace(x: Exchange, out: string[]): void {
  const { traceId, parentId, traceFlags: flags } = x.head
  if (traceId === null || parentId === null) return
  out.push('traceparent', formatTraceparent({ traceId, parentId, flags }))
  const state = allValues(x.head, 'tracestate')
  if (state !== null && state !== '' && state.length <= MAX_TRACESTATE) out.push('tracestate', state)
}

const WEBSOCKET = /^sec-websocket-/

/** Headers of an upgrade are end to end, but a client may name them in Connection. */
function pushUpgrade(x: Exchange, out: string[]): void {
  x.head.names.forEach((name, at) => {
    if (WEBSOCKET.test(name) && !out.includes(name)) out.push(name, x.head.values[at] ?? '')
  })
}

/** The protocol to switch to, when the route allows one that the client asks for. */
function upgradeOf(x: Exchange, allowed: readonly string[]): string | null {
  const asked = x.head.get('upgrade')
  if (asked === null || x.method !== 'GET' || !listHas(allValues(x.head, 'connection') ?? '', 'upgrade')) return null
  const protocol = asked.trim().toLowerCase()
  return isToken(protocol.replace('/', '')) && allowed.includes(protocol) ? protocol : null
}
