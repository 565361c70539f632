import type { SecureContext } from 'node:tls'
import type { NamedBy } from './egress-policy.ts'

/** How a server is trusted, and what is shown to it. A server that cannot be verified is never connected to. */
export interface TlsSettings {
  /** PEM: the authorities to trust, or the server's own certificate. They replace those that Node brings. */
  readonly ca?: string | readonly string[]
  /** PEM: the certificate that is shown to the server, and its key. */
  readonly cert?: string
  readonly key?: string
  /** The name to ask for and to verify, where it is not the host's. */
  readonly serverName?: string
  /** TLSv1.2 without it. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
  /** Protocols to offer; `http/1.1` without it. */
  readonly alpn?: readonly string[]
}

/** Where connections go, and what they share. */
export interface Destination {
  /** A name or an address, without the brackets of IPv6. */
  readonly host: string
  readonly port: number
  readonly namedBy: NamedBy
  /** One of the addresses of the name: no other is connected to. */
  readonly address?: string
  /** A Unix socket, which takes the place of host and port. */
  readonly socketPath?: string
  /** For the name, the connection and the handshake together, where the asker has no other time. */
  readonly connectTimeoutMs: number
  /** Null for no TLS. */
  readonly tls: TlsSettings | null
  /** Made once: reading the certificates to trust takes a fifth of a millisecond. */
  tlsContext: SecureContext | null
  /** The last TLS session: the next connection resumes it. Node gives it away only when the server was verified. */
  tlsSession: Buffer | null
}

/** One connection that was asked for, and what became of it: for the egress log and the metrics. */
export interface EgressEvent {
  /** As it was asked for; the path of a Unix socket. */
  readonly host: string
  readonly port: number
  readonly namedBy: NamedBy
  /** The address that is connected, or null. */
  readonly address: string | null
  /** What the policy said; null when it never came to it, because the name has no address. */
  readonly rule: string | null
  /** `abandoned`: the asker gave up before the connection stood. */
  readonly outcome: 'connected' | 'denied' | 'failed' | 'abandoned'
  /** The code of the error, or null. */
  readonly code: string | null
  readonly durationMs: number
}

/** What the asker is told; everything else comes as the socket's events. */
export interface ConnectionCallbacks {
  /** The connection stands; over TLS, the server is verified. */
  onConnect(): void
  /**
   * Is given what arrives, as a view that is only valid during the call, and answers whether reading goes on; the
   * socket's `resume` continues it. Without it the socket is read like any other stream.
   */
  readonly onRead?: (bytes: Buffer) => boolean
}
