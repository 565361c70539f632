import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { reset } from './reset.ts'

/** One request as a plain web server saw it. */
export interface SeenRequest {
  readonly method: string
  /** The target, byte for byte. */
  readonly url: string
  /** Header lines in their order, names as sent. */
  readonly lines: readonly (readonly [name: string, value: string])[]
  /** Number of its connection, from 1. */
  readonly connection: number
  readonly arrivedAt: number
  /** Bytes of the body so far. */
  bodyBytes: number
  /** When the connection ended before the answer was complete; null otherwise. */
  cutAt: number | null
  /** All values of a header, compared without case. */
  values(name: string): string[]
}

/** Answers one request; what it returns is not looked at. */
export type Answerer = (request: IncomingMessage, response: ServerResponse, seen: SeenRequest) => unknown

/** A web server that answers as a test says, notes what it was asked, and can die and come back on its port. */
export class Origin {
  readonly name: string
  readonly requests: SeenRequest[] = []
  /** Connections that are open now. */
  readonly sockets = new Set<Socket>()
  #server: Server
  #port = 0
  #accepted = 0
  readonly #numbers = new WeakMap<Socket, number>()
  readonly #answerers = new Map<string, Answerer>()

  private constructor(name: string) {
    this.name = name
    this.#server = this.#create()
  }

  static async start(name = 'origin'): Promise<Origin> {
    const origin = new Origin(name)
    await origin.listen()
    return origin
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Answers this path (without its query) so from now on; other paths say what they were asked, as JSON. */
  on(path: string, answerer: Answerer): this {
    this.#answerers.set(path, answerer)
    return this
  }

  /** What was asked of this path. */
  seen(path: string): SeenRequest[] {
    return this.requests.filter(({ url }) => url.split('?')[0] === path)
  }

  /** Listens, again on the port that it had. */
  async listen(): Promise<void> {
    if (this.#server.listening) return
    if (this.#port !== 0) this.#server = this.#create()
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ port: this.#port, host: '127.0.0.1' }, resolve)
    })
    this.#port = (this.#server.address() as AddressInfo).port // a listening TCP server has an AddressInfo
  }

  /** Dies: every connection is reset, and none is taken. */
  async die(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const socket of this.sockets) reset(socket)
    await closed
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.die()
  }

  #create(): Server {
    const server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0, maxHeaderSize: 65_536 })
    server.on('request', (request, response) => this.#answer(request, response))
    server.on('checkContinue', (request, response) => this.#answer(request, response))
    server.on('upgrade', (request, socket: Socket) => {
      // The parser has let go of the socket: whoever answers writes to it.
      const response = { socket } as unknown as ServerResponse // answerers of upgrades use nothing else of it
      this.#answer(request, response)
    })
    server.on('connection', (socket: Socket) => {
      this.#numbers.set(socket, ++this.#accepted)
      this.sockets.add(socket)
      socket.on('error', () => undefined) // a reset is told by `close` as well
      socket.once('close', () => this.sockets.delete(socket))
    })
    return server
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { rawHeaders, socket, method = '', url = '' } = request
    const lines = rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? ''] as const] : []))
    const seen: SeenRequest = {
      method,
      url,
      lines,
      connection: this.#numbers.get(socket) ?? 0,
      arrivedAt: performance.now(),
      bodyBytes: 0,
      cutAt: null,
      values: (name) => lines.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value),
    }
    this.requests.push(seen)
    response.once?.('close', () => {
      if (!response.writableFinished) seen.cutAt = performance.now()
    })
    const answerer = this.#answerers.get(url.split('?')[0] ?? '')
    if (answerer === undefined) this.#echo(request, response, seen)
    else answerer(request, response, seen)
  }

  #echo(request: IncomingMessage, response: ServerResponse, seen: SeenRequest): void {
    const sum = createHash('sha256')
    if (request.headers.expect !== undefined) response.writeContinue()
    request.on('data', (chunk: Buffer) => {
      seen.bodyBytes += chunk.length
      sum.update(chunk)
    })
    request.on('end', () => {
      const { method, url, lines, bodyBytes } = seen
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ name: this.name, method, url, lines, bodyBytes, sha256: sum.digest('hex') }))
    })
  }
}
