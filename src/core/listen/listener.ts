import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Gateway } from '../gateway.ts'
import { Http1Connection } from '../http1/http1-connection.ts'
import { Http2Session } from '../http2/http2-session.ts'
import type { CertificateInfo } from './certificates.ts'
import type { Connection, ConnectionTimeouts, Door } from './door.ts'
import { ProxyGreeting, type ProxyProtocol, proxyPolicy } from './proxy-protocol.ts'
import { type ListenerTls, MAX_HANDSHAKES, TlsAcceptor } from './tls.ts'

/** Bounds the connections of one client address. */
export interface AddressCap {
  /** Counts a connection; null when the address has as many as it may. What is returned takes it off again. */
  take(address: string): (() => void) | null
}

/** What of a listener may change while it listens. */
export interface ListenerLimits extends ConnectionTimeouts {
  readonly maxConnections: number
  /** Absent: an address may have as many connections as there are. */
  readonly addressCap?: AddressCap | null
  /** Absent: no PROXY protocol. */
  readonly proxyProtocol?: ProxyProtocol | null
}

export interface ListenerOptions extends ListenerLimits {
  /** What routes and records call it; `main` without it. */
  readonly name?: string
  readonly host: string
  readonly port: number
  /** Several threads listen on the same port, each with its own accept queue. */
  readonly reusePort: boolean
  /** Absent: no TLS. */
  readonly tls?: ListenerTls | null
}

/** Of the connections that a listener takes, so many may be in their handshake. */
const HANDSHAKE_SHARE = 0.25
/** Of the connections that a full listener has, this share is given up at a time, when idle; at least one. */
const ROOM_SHARE = 0.001
const FULL_MS = 20
const SWEEP_MS = 1_000
/** A turn of the event loop in which nothing happened takes less. */
const SHORTEST_TURN_MS = 0.03
/** A listener that accepts all the time is closed all the same. */
const LONGEST_CLOSE_MS = 2_000

/** An IPv4 client of a listener for both families is called by its IPv4 address. */
function plainAddress(address: string | null): string | null {
  return address?.startsWith('::ffff:') === true && address.includes('.') ? address.slice(7) : address
}

/** Listens on one address and hands requests to the gateway, in HTTP/1.1, or over TLS in what the client agrees to. */
export class Listener {
  readonly #gateway: Gateway
  readonly #server: Server
  #options: ListenerOptions
  readonly #name: string
  readonly #tls: TlsAcceptor | null
  readonly #connections = new Set<Connection>()
  readonly #onClosed = (connection: Connection) => {
    this.#connections.delete(connection)
  }
  #accepted = 0
  #fullUntil = 0
  #sweep: NodeJS.Timeout | null = null

  /** Throws a CertificateError for what TLS cannot be served with. */
  constructor(gateway: Gateway, options: ListenerOptions) {
    this.#gateway = gateway
    this.#options = options
    this.#name = options.name ?? 'main'
    const { tls = null } = options
    this.#tls = tls === null ? null : new TlsAcceptor(this.#bounded(tls))
    this.#server = createServer({ allowHalfOpen: true, highWaterMark: 65_536, noDelay: true }, (socket: Socket) => {
      this.#accepted++
      this.#accept(socket)
    })
  }

  /** The certificates that are served now; empty without TLS. */
  get certificates(): readonly CertificateInfo[] {
    return this.#tls?.certificates ?? []
  }

  /**
   * Serves new connections with these certificates and rules; those that stand keep theirs. Throws a CertificateError
   * for what TLS cannot be served with, and changes nothing then.
   */
  updateTls(tls: ListenerTls): void {
    if (this.#tls === null) throw new Error(`listener ${this.#name} was opened without TLS`)
    this.#tls.update(this.#bounded(tls))
  }

  /** Other bounds, for connections that stand as well; names and places stay what they are. */
  updateLimits(limits: ListenerLimits): void {
    this.#options = { ...this.#options, ...limits }
  }

  /** Resolves with the port when the socket listens; rejects with Node's error (EADDRINUSE, EACCES…). */
  async listen(): Promise<number> {
    const server = this.#server
    const { host, port, reusePort } = this.#options
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port, reusePort, backlog: 4096 }, () => {
        server.removeListener('error', reject)
        resolve()
      })
    })
    // An accept that fails (no file descriptor left) is reported; the listener goes on.
    server.on('error', (error) => this.#gateway.onFault(error, null))
    this.#sweep = setInterval(() => this.#look(), SWEEP_MS)
    this.#sweep.unref()
    return (server.address() as AddressInfo).port // a listening TCP server has an AddressInfo
  }

  /**
   * Stops listening. The kernel resets connections that are queued on a socket when it closes, and libuv accepts one
   * per turn of the loop; so this waits for a turn that accepted none and was short, and closes right behind it: the
   * queue was empty when that turn asked. What completes within those microseconds is still lost, unless the system
   * moves it to another listener (`net.ipv4.tcp_migrate_req=1`).
   */
  async stopAccepting(): Promise<void> {
    const begin = performance.now()
    await new Promise<void>((resolve) => {
      let accepted = -1
      let turnAt = begin
      const turn = () => {
        const now = performance.now()
        const waited = now - begin
        // The longer a busy loop offers no such turn, the longer a turn may be.
        const quiet = this.#accepted === accepted && now - turnAt < SHORTEST_TURN_MS + waited / 1_000
        if (!quiet && waited < LONGEST_CLOSE_MS) {
          accepted = this.#accepted
          setImmediate(turn)
          turnAt = performance.now()
          return
        }
        this.#server.close()
        resolve()
      }
      turn()
    })
  }

  /**
   * Waits until the clients have closed their connections (answers tell them to, or a GOAWAY), at most `noticeMs`, then
   * closes those that are idle.
   */
  async closeGently(noticeMs: number): Promise<void> {
    for (const connection of this.#connections) connection.leave?.()
    await this.closed(noticeMs)
    this.closeIdle()
  }

  closeIdle(): void {
    for (const connection of this.#connections) if (connection.idle) connection.destroy()
  }

  /** Resolves when no connection is left, or after `waitMs`. */
  async closed(waitMs: number): Promise<void> {
    const until = performance.now() + waitMs
    while (this.#connections.size > 0 && performance.now() < until) await delay(10)
  }

  /** Closes every connection that is left, whatever it is doing. */
  destroy(): void {
    if (this.#sweep !== null) clearInterval(this.#sweep)
    this.#server.close()
    for (const connection of this.#connections) connection.destroy()
  }

  get connections(): number {
    return this.#connections.size
  }

  /** Handshakes that lead nowhere must leave room for connections that do. */
  #bounded(tls: ListenerTls): ListenerTls {
    const share = Math.ceil(this.#options.maxConnections * HANDSHAKE_SHARE)
    return { ...tls, maxHandshakes: Math.min(tls.maxHandshakes ?? MAX_HANDSHAKES, share) }
  }

  #accept(socket: Socket): void {
    const { proxyProtocol = null, maxConnections } = this.#options
    if (this.#connections.size >= maxConnections && !this.#makeRoom()) {
      socket.resetAndDestroy()
      this.#gateway.onRefusedConnection?.('listener', null)
      return
    }
    const policy = proxyProtocol === null ? 'skip' : proxyPolicy(proxyProtocol, socket.remoteAddress)
    if (proxyProtocol === null || policy === 'skip') {
      if (this.#counted(socket, socket.remoteAddress ?? null)) this.#encrypt(socket, null)
      return
    }
    if (policy === 'refuse') {
      socket.destroy()
      return
    }
    const greeting: ProxyGreeting = new ProxyGreeting(socket, proxyProtocol.mode, (address) => {
      this.#connections.delete(greeting)
      if (address === undefined) return
      if (this.#counted(socket, address ?? socket.remoteAddress ?? null)) this.#encrypt(socket, address)
    })
    this.#connections.add(greeting)
  }

  /** Gives up what has been idle for longest, so that nobody can keep a listener to himself by holding connections. */
  #makeRoom(): boolean {
    const now = performance.now()
    if (now < this.#fullUntil) return false
    const idle = [...this.#connections].filter((connection) => connection.idle)
    // Looking through all is dear: who comes when none is idle does not make us look each time.
    if (idle.length === 0) this.#fullUntil = now + FULL_MS
    idle.sort((one, other) => (one.idleSince ?? 0) - (other.idleSince ?? 0))
    for (const connection of idle.slice(0, Math.ceil(this.#options.maxConnections * ROOM_SHARE))) {
      this.#connections.delete(connection)
      connection.destroy()
      this.#gateway.onRefusedConnection?.('idle', null)
    }
    return idle.length > 0
  }

  /** False, and the socket reset, when the client's address has as many connections as it may. */
  #counted(socket: Socket, address: string | null): boolean {
    const { addressCap = null } = this.#options
    if (addressCap === null || address === null) return true
    const takeOff = addressCap.take(address)
    if (takeOff === null) {
      // Not by FIN: it would leave the memory of the connection with us for a minute.
      socket.resetAndDestroy()
      this.#gateway.onRefusedConnection?.('address', address)
      return false
    }
    socket.once('close', takeOff)
    return true
  }

  #encrypt(socket: Socket, told: string | null): void {
    const listener = this.#name
    const address = plainAddress(told ?? socket.remoteAddress ?? null)
    // It was reset before it was accepted. What it sent can still be read, and would be counted for no address.
    if (address === null) return void socket.destroy()
    if (this.#tls === null) return this.#serve(socket, { listener, scheme: 'http', address })
    const handshake = this.#tls.accept(socket, (done) => {
      this.#connections.delete(handshake)
      if (done === null) return
      const { secured, certificate } = done
      const door: Door = { listener, scheme: 'https', address, certificate }
      if (secured.alpnProtocol !== 'h2') return this.#serve(secured, door)
      this.#connections.add(new Http2Session(this.#gateway, secured, this.#onClosed, door))
    })
    this.#connections.add(handshake)
  }

  #serve(socket: Socket, door: Door): void {
    this.#connections.add(new Http1Connection(this.#gateway, socket, this.#onClosed, door))
  }

  #look(): void {
    const now = performance.now()
    for (const connection of this.#connections) connection.sweep(now, this.#options)
  }
}
