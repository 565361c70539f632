import type { RouteConfig } from '../../config/index.ts'
import {
  type AnswerHeaders,
  answerWith,
  type Exchange,
  type Gate,
  GatewayError,
  isHopByHop,
  resume,
  WAIT,
} from '../../core/index.ts'
import { ask, type Reply } from './ask.ts'
import { type AuthParts, serverUrl } from './auth-parts.ts'
import { undecided } from './credentials.ts'

export type ForwardConfig = NonNullable<NonNullable<RouteConfig['auth']>['forward']>

const MAX_ANSWER_BYTES = 65_536
const MAX_CONNECTIONS = 256

/** Said by the gateway itself: neither a client nor the service may say it in its place. */
const OWN = /^(?:x-forwarded-.*|forwarded|x-real-ip|x-request-id|x-ferro-.*|traceparent)$/

/**
 * Asks another service before each request: 2xx lets it pass, any other answer is the client's. It never passes without
 * an answer. Throws an Error for a URL or a header that cannot be.
 */
export function createForwardAuth(config: ForwardConfig, { connect }: Pick<AuthParts, 'connect'>): Gate {
  const url = serverUrl('auth.forward.url', config.url)
  const { timeout } = config
  const transport = connect({ origin: url.origin, connectTimeoutMs: timeout, maxConnections: MAX_CONNECTIONS })
  const path = `${url.pathname}${url.search}`
  const sent = new Set(namesOf('send', config.send))
  const copied = namesOf('copy', config.copy)
  const removed: ReadonlySet<string> = new Set(copied)
  const decide = (x: Exchange, reply: Reply | Error) => {
    if (reply instanceof Error) {
      return resume(x, undecided('The service that decides who may pass does not answer; try again soon.', reply))
    }
    if (reply.status < 200 || reply.status > 299) return refuseWith(x, reply)
    // What the service does not say is taken away all the same: else a client could say it.
    if (copied.length > 0) x.overlay = { removed, set: valuesOf(reply.headers, copied) }
    resume(x, null)
  }
  return (x) => {
    const request = { method: 'GET', path, headers: questionOf(x, sent), body: null }
    x.waiting = ask(transport, request, {
      timeoutMs: timeout,
      maxBodyBytes: MAX_ANSWER_BYTES,
      onReply: (reply) => decide(x, reply),
    })
    return WAIT
  }
}

/** Headers of the question: chosen ones of the client, and what it asks for. */
function questionOf(x: Exchange, sent: ReadonlySet<string>): string[] {
  const { names, values } = x.head
  const headers: string[] = []
  for (let at = 0; at < names.length; at++) {
    const name = names[at] as string // in range
    if (sent.has(name)) headers.push(name, values[at] as string) // as long as names
  }
  headers.push('x-forwarded-method', x.method)
  headers.push('x-forwarded-uri', x.query === '' ? x.path : `${x.path}?${x.query}`)
  headers.push('x-forwarded-proto', x.origin?.scheme ?? x.client.scheme)
  headers.push('x-forwarded-host', x.origin?.host ?? x.head.host ?? '')
  headers.push('x-forwarded-for', x.origin?.address ?? x.client.address ?? '')
  headers.push('x-request-id', x.head.clientRequestId ?? x.id)
  return headers
}

/** The service's answer is the client's: a page to log in, a redirect to it, a challenge. */
function refuseWith(x: Exchange, reply: Reply): void {
  if (x.settled) return
  const headers: string[] = []
  const connection = [reply.headers['connection'] ?? []].flat().join(',')
  for (const [name, value] of Object.entries(reply.headers)) {
    if (value === undefined || isHopByHop(name, connection) || /^x-(?:ferro-)?request-id$/.test(name)) continue
    for (const each of [value].flat()) headers.push(name, each)
  }
  const message = `The service that decides who may pass answered ${reply.status}.`
  x.error = new GatewayError(reply.status === 403 ? 'forbidden' : 'unauthorized', message, { status: reply.status })
  x.end = 'refused'
  x.waiting = null
  answerWith(x, reply.status, { headers, body: reply.body })
}

function valuesOf(headers: AnswerHeaders, names: readonly string[]): string[] {
  return names.flatMap((name) => [headers[name] ?? []].flat().flatMap((value) => [name, value]))
}

function namesOf(key: string, names: readonly string[]): string[] {
  return names.map((each) => {
    const name = each.toLowerCase()
    if (!isHopByHop(name, null) && !OWN.test(name)) return name
    throw new Error(`auth.forward.${key}: the header ${name} is set by the gateway itself`)
  })
}
