import type { Socket } from 'node:net'
import { Connector } from '../connect/connector.ts'
import type { ConnectionCallbacks, Destination, TlsSettings } from '../connect/destination.ts'
import type { NamedBy } from '../connect/egress-policy.ts'
import type { UpstreamRequest } from '../phases.ts'

/** Where the connections of a pool go, and what they share. */
export interface Endpoint extends Destination {
  /** Value of the Host header. */
  readonly authority: string
  readonly connector: Connector
  /** Largest head of an answer; absent: as is usual for the protocol. */
  readonly maxHeadBytes?: number
}

/** What an origin does not say. */
export interface EndpointOptions {
  /** Shared by all pools of a thread: the policy, and the names that were resolved. Without it one of its own. */
  readonly connector?: Connector
  /** `operator` without it. */
  readonly namedBy?: NamedBy
  /** One of the addresses of the name: no other is connected to. */
  readonly address?: string
  /** Only for origins that speak TLS. */
  readonly tls?: TlsSettings
  /** Largest head of an answer; absent: as is usual for the protocol. */
  readonly maxHeadBytes?: number
}

/** What a request to a Unix socket calls its host, which has no name. */
const UNIX_AUTHORITY = 'localhost'

/**
 * The endpoint of an origin, e.g. `https://api.example.com:8443`, `http://[::1]:8080` or `unix:/run/app.sock`. Throws a
 * TypeError for what is no origin.
 */
export function endpointOf(origin: string, connectTimeoutMs: number, options: EndpointOptions = {}): Endpoint {
  const { connector = new Connector(), namedBy = 'operator', address, tls, maxHeadBytes } = options
  const base = { namedBy, connectTimeoutMs, connector, tlsContext: null, tlsSession: null }
  const shared = maxHeadBytes === undefined ? base : { ...base, maxHeadBytes }
  if (origin.startsWith('unix:/')) {
    const socketPath = origin.slice('unix:'.length)
    return { ...shared, host: UNIX_AUTHORITY, port: 0, authority: UNIX_AUTHORITY, socketPath, tls: tls ?? null }
  }
  const url = new URL(origin)
  const secure = url.protocol === 'https:'
  return {
    ...shared,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    authority: url.host,
    tls: secure ? (tls ?? {}) : null,
    ...(address === undefined ? {} : { address }),
  }
}

/** Begins to connect, for a request that may have a time of its own for that; never throws. */
export function openSocket(
  endpoint: Endpoint,
  callbacks: ConnectionCallbacks,
  { connectTimeoutMs = endpoint.connectTimeoutMs }: Pick<UpstreamRequest, 'connectTimeoutMs'> = {},
): Socket {
  return endpoint.connector.connect(endpoint, callbacks, connectTimeoutMs)
}
