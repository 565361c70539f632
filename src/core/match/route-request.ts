import type { Exchange } from '../exchange.ts'
import type { ClientCertificate } from '../listen/client-certificate.ts'

/** What of a request decides its route. */
export interface RouteRequest {
  /** Name of the listener that took it. */
  readonly listener: string
  /** The `Host` line as it came, with its port; null when there is none. */
  readonly host: string | null
  /** The canonical path, made with `encodedSlash: 'allow'`: the rule that is found decides about encoded slashes. */
  readonly path: string
  readonly method: string
  /** Lower-case names of the head's lines, and their values, in the order received. */
  readonly names: readonly string[]
  readonly values: readonly string[]
  /** Behind the first `?`; empty when there is none. */
  readonly query: string
  /** The client's address, behind proxies that are trusted to name it. */
  readonly clientAddress: string
  /** What the client has proved to be; absent or null: nothing. */
  readonly certificate?: ClientCertificate | null
}

/** What decides the route of an exchange, at its own path or at another. */
export function routeRequestOf(x: Exchange, path: string): RouteRequest {
  const { head, origin, client } = x
  return {
    listener: client.listener,
    host: origin?.host ?? head.host,
    path,
    method: x.method,
    names: head.names,
    values: head.values,
    query: x.query,
    clientAddress: origin?.address ?? client.address ?? '',
    certificate: client.certificate,
  }
}
