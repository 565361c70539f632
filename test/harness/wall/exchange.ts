import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { JsonObject } from '../json.ts'
import { reset } from '../reset.ts'
import type { ReadRequest } from './request-reader.ts'

/** What the wall knows of one request; times are `performance.now()`, null while the thing has not happened. */
export interface WallRequest {
  /** 1-based, in the order of arrival over all connections. */
  readonly number: number
  /** 1-based number of the connection, and of the request on it. */
  readonly connection: number
  readonly onConnection: number
  /** The head exactly as received (latin1). */
  readonly headText: string
  readonly body: Buffer
  /** The JSON body, null when it was none. */
  readonly json: JsonObject | null
  /** The body's `model` and `user`: what it asks for, and how the test recognises it. */
  readonly model: string | null
  readonly nonce: string | null
  /** Why the vendor would refuse it; null for a valid request. */
  readonly refused: string | null
  readonly receivedAt: number
  firstByteAt: number | null
  /** When the fault had sent all it wanted to send. */
  finishedAt: number | null
  /** When the connection ended while the exchange was still going on, and by whom. */
  closedAt: number | null
  cutBy: 'gateway' | 'wall' | null
  /** Bytes of the answer that the kernel has taken. */
  bytesSent: number
  /** Usage told to the gateway; null when none was. */
  usage: unknown
}

/** One request and the means to answer it with any bytes at all; faults are written against this. */
export class WallExchange {
  readonly request: ReadRequest
  readonly entry: WallRequest
  readonly #socket: Socket
  readonly #closed = new AbortController()
  /** Resolves when the test releases the barrier. */
  readonly barrier: () => Promise<void>

  constructor(socket: Socket, request: ReadRequest, entry: WallRequest, barrier: () => Promise<void>) {
    this.#socket = socket
    this.request = request
    this.entry = entry
    this.barrier = barrier
  }

  /** True when the connection is gone and writing is useless. */
  get gone(): boolean {
    return this.#closed.signal.aborted
  }

  /** Called by the connection when it ends. */
  connectionClosed(): void {
    if (this.gone) return
    if (this.entry.finishedAt === null) {
      this.entry.closedAt ??= performance.now()
      this.entry.cutBy ??= 'gateway'
    }
    this.#closed.abort()
  }

  /** Writes the bytes (text as UTF-8) and resolves when the kernel has them or the connection is gone. */
  write(bytes: string | Buffer): Promise<void> {
    if (this.gone) return Promise.resolve()
    const data = typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : bytes
    this.entry.firstByteAt ??= performance.now()
    return new Promise((resolve) => {
      const done = () => {
        this.#closed.signal.removeEventListener('abort', done)
        resolve()
      }
      this.#closed.signal.addEventListener('abort', done, { once: true })
      this.#socket.write(data, (error) => {
        // A failed write is the first to know that the connection is gone; `close` comes later.
        if (error) this.connectionClosed()
        else this.entry.bytesSent += data.length
        done()
      })
    })
  }

  /** Lets time pass, at most until the connection ends. */
  async pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#closed.signal }).catch(() => {
      // Rejects only because the connection ended, which every caller sees in `gone`.
    })
  }

  /** Resolves when the gateway (or the test's end) closes the connection. */
  untilClosed(): Promise<void> {
    if (this.gone) return Promise.resolve()
    return new Promise((resolve) => {
      this.#closed.signal.addEventListener('abort', () => {
        resolve()
      })
    })
  }

  /** Resolves when the barrier is released or the connection ends, whichever is first. */
  async untilReleased(): Promise<void> {
    await Promise.race([this.barrier(), this.untilClosed()])
  }

  /** Ends the connection with FIN. */
  end(): void {
    this.#cut()
    this.#socket.end()
  }

  /** Ends the connection with RST. */
  reset(): void {
    this.#cut()
    reset(this.#socket)
  }

  #cut(): void {
    if (this.gone) return
    this.entry.closedAt ??= performance.now()
    this.entry.cutBy ??= 'wall'
  }

  /** A whole response with Content-Length. */
  respond(status: number, contentType: string, body: string | Buffer, headers: readonly string[] = []): Promise<void> {
    const length = `content-length: ${Buffer.byteLength(body)}`
    const head = headOf(status, [`content-type: ${contentType}`, length, ...headers])
    return this.write(Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)]))
  }

  /** A whole JSON response. */
  json(status: number, value: JsonObject, headers: readonly string[] = []): Promise<void> {
    return this.respond(status, 'application/json', JSON.stringify(value), headers)
  }

  /** The head of an event stream; its body goes out by {@link chunk} and ends with {@link lastChunk}. */
  streamHead(headers: readonly string[] = []): Promise<void> {
    const type = 'content-type: text/event-stream; charset=utf-8'
    return this.write(headOf(200, [type, 'transfer-encoding: chunked', 'cache-control: no-cache', ...headers]))
  }

  /** One chunk of the chunked coding. */
  chunk(data: string | Buffer): Promise<void> {
    return this.write(chunked(data))
  }

  /** The end of the chunked coding. */
  lastChunk(): Promise<void> {
    return this.write('0\r\n\r\n')
  }
}

/** The bytes of a response head with these header lines and a Date. */
export function headOf(status: number, lines: readonly string[]): string {
  return [`HTTP/1.1 ${status} Answer`, `date: ${new Date().toUTCString()}`, ...lines, '', ''].join('\r\n')
}

/** One chunk of the chunked coding, framing included. */
export function chunked(data: string | Buffer): Buffer {
  const content = Buffer.from(data)
  return Buffer.concat([Buffer.from(`${content.length.toString(16)}\r\n`), content, Buffer.from('\r\n')])
}
