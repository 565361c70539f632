import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Gateway } from '../gateway.ts'
import { handle } from '../handle.ts'
import { isRefused } from './linger.ts'
import { answerParseError } from './parse-error.ts'
import { MAX_HEADER_BYTES, MAX_TARGET_BYTES } from './request-head.ts'

export interface ListenerOptions {
  readonly host: string
  readonly port: number
  /** Several threads listen on the same port, each with its own accept queue. */
  readonly reusePort: boolean
  readonly maxConnections: number
  /** The whole head must arrive within this time. */
  readonly headerTimeoutMs: number
  /** The whole request, body included, must arrive within this time. */
  readonly requestTimeoutMs: number
  readonly keepAliveMs: number
}

const IDLE_SWEEP_MS = 5_000
const REQUESTS = Symbol('requests')
const IDLE_SINCE = Symbol('idle-since')
const SENT = Symbol('sent')
const SENT_AT = Symbol('sent-at')
/** A turn of the event loop in which nothing happened takes less. */
const SHORTEST_TURN_MS = 0.03
/** A listener that accepts all the time is closed all the same. */
const LONGEST_CLOSE_MS = 2_000
/** A client that takes nothing of an answer for so long is given up. */
const WRITE_STALL_MS = 60_000

type ServedSocket = Socket & {
  /** Requests of this connection that are not answered yet. */
  [REQUESTS]: number
  /** When the last answer was complete; 0 before the first (Node's head timeout watches that). */
  [IDLE_SINCE]: number
  /** Bytes that the kernel had taken when it was last looked, and when they last grew. */
  [SENT]: number
  [SENT_AT]: number
}

function onAnswered(this: ServerResponse): void {
  const socket = this.req.socket as ServedSocket // marked when it connected
  socket[REQUESTS]--
  socket[IDLE_SINCE] = performance.now()
}

/** True when an answer waits to be sent and the client has taken nothing of it for WRITE_STALL_MS. */
function isStalled(socket: ServedSocket, now: number): boolean {
  const sent = socket.bytesWritten - socket.writableLength
  if (socket.writableLength === 0 || sent !== socket[SENT]) {
    socket[SENT] = sent
    socket[SENT_AT] = now
    return false
  }
  return now - socket[SENT_AT] > WRITE_STALL_MS
}

/** Listens for HTTP/1.1 and hands requests to the gateway. */
export class Listener {
  readonly #server: Server
  readonly #options: ListenerOptions
  readonly #sockets = new Set<ServedSocket>()
  #accepted = 0
  #sweep: NodeJS.Timeout | null = null

  constructor(gateway: Gateway, options: ListenerOptions) {
    this.#options = options
    const serve = (req: IncomingMessage, res: ServerResponse) => {
      const socket = req.socket as ServedSocket // every socket of this server is marked when it connects
      socket[REQUESTS]++
      res.on('close', onAnswered)
      if (!isRefused(socket)) handle(gateway, req, res)
    }
    const server = createServer(
      {
        connectionsCheckingInterval: 1_000,
        headersTimeout: options.headerTimeoutMs,
        requestTimeout: options.requestTimeoutMs,
        // Node would set a socket timer with every answer; idle connections are swept instead (see #sweepIdle).
        keepAliveTimeout: 0,
        // Room for one header and one target of the longest kind; the counts are checked when the head is read.
        maxHeaderSize: MAX_HEADER_BYTES + MAX_TARGET_BYTES,
        highWaterMark: 65_536,
        insecureHTTPParser: false,
        noDelay: true,
      },
      serve,
    )
    // Node would silently ignore headers beyond its own count; ours refuses the request (request-head.ts).
    server.maxHeadersCount = 0
    server.maxConnections = options.maxConnections
    // Both events take over what Node would answer by itself before anything was checked.
    server.on('checkContinue', serve)
    server.on('checkExpectation', serve)
    server.on('clientError', answerParseError)
    server.on('connection', (connected: Socket) => {
      const socket = connected as ServedSocket // made so by the next lines
      socket[REQUESTS] = 0
      socket[IDLE_SINCE] = 0
      socket[SENT] = 0
      socket[SENT_AT] = 0
      this.#accepted++
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    this.#server = server
  }

  /** Resolves with the port when the socket listens; rejects with Node's error (EADDRINUSE, EACCES…). */
  async listen(): Promise<number> {
    const server = this.#server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(
        { host: this.#options.host, port: this.#options.port, reusePort: this.#options.reusePort, backlog: 4096 },
        () => {
          server.removeListener('error', reject)
          resolve()
        },
      )
    })
    this.#sweep = setInterval(() => this.#sweepIdle(), IDLE_SWEEP_MS)
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
        // http's own close() would close idle connections at once, with requests that may be on their way.
        NetServer.prototype.close.call(this.#server)
        resolve()
      }
      turn()
    })
  }

  /**
   * Waits until the clients have closed their connections (answers tell them to), at most `noticeMs`, then closes
   * those that are idle.
   */
  async closeGently(noticeMs: number): Promise<void> {
    await this.closed(noticeMs)
    this.closeIdle()
  }

  closeIdle(): void {
    this.#server.closeIdleConnections()
  }

  /** Resolves when no connection is left, or after `waitMs`. */
  async closed(waitMs: number): Promise<void> {
    const until = performance.now() + waitMs
    while (this.#sockets.size > 0 && performance.now() < until) await delay(10)
  }

  /** Closes every connection that is left, whatever it is doing. */
  destroy(): void {
    if (this.#sweep !== null) clearInterval(this.#sweep)
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Closes connections that were idle for longer than the keep-alive time, and those that take nothing of an answer. */
  #sweepIdle(): void {
    const now = performance.now()
    const before = now - this.#options.keepAliveMs
    for (const socket of this.#sockets) {
      if (socket[REQUESTS] === 0 && socket[IDLE_SINCE] > 0 && socket[IDLE_SINCE] < before) socket.destroy()
      else if (isStalled(socket, now)) socket.destroy()
    }
  }

  get connections(): number {
    return this.#sockets.size
  }
}
