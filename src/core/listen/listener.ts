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
   * Stops listening after the accept queue was emptied: the kernel resets connections that are queued on a socket
   * when it closes. libuv accepts until the queue is empty in each poll phase, and the check phase (setImmediate)
   * follows right after it; a connection that completes between the two is still lost, a window of microseconds.
   */
  async stopAccepting(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(() => {
        setImmediate(() => {
          // http's own close() would close idle connections at once, with requests that may be on their way.
          NetServer.prototype.close.call(this.#server)
          resolve()
        })
      })
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
