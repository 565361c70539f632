import { type BlockList, isIP, type Socket } from 'node:net'
import type { Connection, ConnectionTimeouts } from './door.ts'
import { readProxyHeader } from './proxy-header.ts'

/** Whether the PROXY protocol is spoken in front of connections, and by whom. */
export interface ProxyProtocol {
  /**
   * `required`: a connection without a header, or from an address that is not trusted, is closed. `optional`: trusted
   * addresses may send a header; what others send is never read as one.
   */
  readonly mode: 'optional' | 'required'
  readonly trusted: BlockList
}

/** Told once: the client's address, null for that of the socket, undefined when the connection is gone. */
export type Announced = (address: string | null | undefined) => void

/** Whether a header is read from this connection: `refuse` closes it, `skip` serves it as it is. */
export function proxyPolicy({ mode, trusted }: ProxyProtocol, address: string | undefined): 'read' | 'skip' | 'refuse' {
  const family = address === undefined ? 0 : isIP(address)
  if (address !== undefined && family !== 0 && trusted.check(address, family === 6 ? 'ipv6' : 'ipv4')) return 'read'
  return mode === 'required' ? 'refuse' : 'skip'
}

/** A connection until its PROXY header is read. The bytes behind the header are given back to the socket. */
export class ProxyGreeting implements Connection {
  readonly idle = true
  readonly #socket: Socket
  readonly #mode: ProxyProtocol['mode']
  readonly #onAnnounced: Announced
  readonly #since = performance.now()
  #bytes: Buffer = Buffer.alloc(0)
  #over = false
  readonly #listeners = { readable: () => this.#read(), close: () => this.#closed(), error: () => undefined }

  constructor(socket: Socket, mode: ProxyProtocol['mode'], onAnnounced: Announced) {
    this.#socket = socket
    this.#mode = mode
    this.#onAnnounced = onAnnounced
    socket.on('readable', this.#listeners.readable)
    socket.on('close', this.#listeners.close)
    socket.on('error', this.#listeners.error)
    socket.on('end', this.#listeners.close)
  }

  sweep(now: number, { headerTimeoutMs }: ConnectionTimeouts): void {
    if (now - this.#since > headerTimeoutMs) this.destroy()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #read(): void {
    const bytes: Buffer | null = this.#socket.read() // without an encoding, a socket gives buffers
    if (bytes === null || this.#over) return
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes])
    const header = readProxyHeader(this.#bytes)
    if (header === 'more') return
    if (header === 'none' && this.#mode === 'optional') this.#handOver(null, this.#bytes)
    else if (typeof header === 'string') this.destroy()
    else this.#handOver(header.address, this.#bytes.subarray(header.length))
  }

  #handOver(address: string | null, rest: Buffer): void {
    this.#over = true
    const socket = this.#socket
    for (const name of ['readable', 'close', 'error'] as const) socket.removeListener(name, this.#listeners[name])
    socket.removeListener('end', this.#listeners.close)
    if (rest.length > 0) socket.unshift(rest)
    this.#onAnnounced(address)
  }

  #closed(): void {
    if (this.#over) return
    this.#over = true
    this.#socket.destroy()
    this.#onAnnounced(undefined)
  }
}
