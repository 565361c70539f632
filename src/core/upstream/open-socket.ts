import { connect as connectTcp, isIP, type Socket } from 'node:net'
import type { SecureContext } from 'node:tls'

/** Where the connections of a pool go, and what they share. */
export interface Endpoint {
  readonly secure: boolean
  /** A name or an address, without the brackets of IPv6. */
  readonly hostname: string
  readonly port: number
  /** Value of the Host header. */
  readonly authority: string
  readonly connectTimeoutMs: number
  /** Made once: reading the certificates to trust takes a fifth of a millisecond. */
  tlsContext: SecureContext | null
  /** The last TLS session: the next connection resumes it. Node gives it away only when the server was verified. */
  tlsSession: Buffer | null
}

/** The endpoint of an origin, e.g. `https://api.example.com:8443` or `http://[::1]:8080`. */
export function endpointOf(origin: string, connectTimeoutMs: number): Endpoint {
  const url = new URL(origin)
  const secure = url.protocol === 'https:'
  return {
    secure,
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    authority: url.host,
    connectTimeoutMs,
    tlsContext: null,
    tlsSession: null,
  }
}

/** An upstream may think for minutes before it answers: middle boxes must not forget its connection meanwhile. */
const KEEP_ALIVE_PROBE_MS = 60_000

/**
 * Sockets of one thread read into one buffer: what was read is consumed before the next read begins. It is a buffer of
 * its own, not a part of Node's pool.
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(65_536)

/**
 * Begins to connect. `onRead` is given what arrives as a view that is only valid during the call, and answers whether
 * reading goes on; `resume` continues it.
 */
export function openSocket(endpoint: Endpoint, onRead: (bytes: Buffer) => boolean): Socket {
  const { secure, hostname, port } = endpoint
  const target = {
    host: hostname,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_PROBE_MS,
    onread: { buffer: READ_BUFFER, callback: (length: number) => onRead(READ_BUFFER.subarray(0, length)) },
  }
  if (!secure) return connectTcp(target)
  // Loaded at the first connection that needs it: a megabyte or two in each thread.
  const tls = process.getBuiltinModule('node:tls')
  endpoint.tlsContext ??= tls.createSecureContext()
  const socket = tls.connect({
    ...target,
    secureContext: endpoint.tlsContext,
    ALPNProtocols: ['http/1.1'],
    ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
    ...(endpoint.tlsSession === null ? {} : { session: endpoint.tlsSession }),
  })
  return socket.on('session', (session: Buffer) => (endpoint.tlsSession = session))
}
