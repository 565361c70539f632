import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { eventually } from '../eventually.ts'
import { MalformedMessage } from '../http-message.ts'
import { isObject, parseJson } from '../json.ts'
import { answerUnknownModel } from './answer.ts'
import { errorOf } from './chat.ts'
import { WallExchange, type WallRequest } from './exchange.ts'
import { faultOf } from './faults.ts'
import { answerOperation, operationOf } from './operations.ts'
import { type ReadRequest, RequestReader } from './request-reader.ts'
import { validateRequest } from './validate.ts'

export type { WallRequest } from './exchange.ts'

/** The credential that the wall demands; a canary for the secret scan. */
export const WALL_KEY = 'wall-provider-key-Zq7vLr2Xb9'

/** An upstream in the OpenAI chat format that misbehaves on command: the request's `model` names the fault. */
export class Wall {
  readonly requests: WallRequest[] = []
  /** What arrived that was no HTTP request at all, as the parser's complaint. */
  readonly malformed: string[] = []
  /** Connections accepted so far. */
  connections = 0
  readonly #server: Server
  readonly #providerKey: string
  readonly #sockets = new Set<Socket>()
  #barrier = Promise.withResolvers<void>()

  private constructor(providerKey: string) {
    this.#providerKey = providerKey
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#accept(socket)
    })
  }

  /** Starts a wall on a free loopback port (or on `port`). */
  static async start({ providerKey = WALL_KEY, port = 0 } = {}): Promise<Wall> {
    const wall = new Wall(providerKey)
    await new Promise<void>((resolve, reject) => {
      wall.#server.once('error', reject)
      wall.#server.listen(port, '127.0.0.1', 4_096, resolve)
    })
    return wall
  }

  /** Port on the loopback address. */
  get port(): number {
    // A TCP server that listens has an AddressInfo; the type also covers pipes.
    return (this.#server.address() as AddressInfo).port
  }

  /** Base URL for an `openai-compatible` provider. */
  get url(): string {
    return `http://127.0.0.1:${this.port}/v1`
  }

  /** Connections that are open now. */
  get openConnections(): number {
    return this.#sockets.size
  }

  /** Lets every request that waits at a barrier go on; later ones wait for the next release. */
  release(): void {
    this.#barrier.resolve()
    this.#barrier = Promise.withResolvers<void>()
  }

  /** The requests that carried this nonce as `user`. */
  byNonce(nonce: string): WallRequest[] {
    return this.requests.filter((request) => request.nonce === nonce)
  }

  /** Resolves with the requests when at least `count` (of this nonce, when given) have arrived. */
  waitForRequests(count: number, { nonce, deadlineMs = 5_000 }: { nonce?: string; deadlineMs?: number } = {}) {
    const what = `${count} request(s) at the wall`
    const seen = () => (nonce === undefined ? this.requests : this.byNonce(nonce))
    return eventually(() => (seen().length >= count ? seen() : null), { deadlineMs, what })
  }

  /** Resets what is open and stops listening. */
  async close(): Promise<void> {
    this.release()
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve()
      })
    })
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #accept(socket: Socket): void {
    this.connections++
    const connection = this.connections
    const reader = new RequestReader()
    const queue: ReadRequest[] = []
    let current: WallExchange | null = null
    let onConnection = 0
    this.#sockets.add(socket)

    const work = async () => {
      busy = true
      for (let request = queue.shift(); request; request = queue.shift()) {
        onConnection++
        current = new WallExchange(
          socket,
          request,
          this.#log(request, connection, onConnection),
          () => this.#barrier.promise,
        )
        await this.#answer(current)
        if (!current.gone) current.entry.finishedAt = performance.now()
        current = null
      }
      busy = false
    }
    let busy = false
    socket.on('data', (piece: Buffer) => {
      try {
        queue.push(...reader.push(piece))
      } catch (error) {
        if (!(error instanceof MalformedMessage)) throw error
        this.malformed.push(error.message)
        socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
        return
      }
      if (!busy) void work()
    })
    const ended = () => {
      current?.connectionClosed()
    }
    socket.on('end', ended)
    socket.on('close', () => {
      ended()
      this.#sockets.delete(socket)
    })
    socket.on('error', () => {
      // Resets are what this server is for; `close` follows and is noted.
    })
  }

  #log(request: ReadRequest, connection: number, onConnection: number): WallRequest {
    const json = operationOf(request)?.body ?? parseJson(request.body.toString('utf8'))
    const validation = validateRequest(request, this.#providerKey)
    const entry: WallRequest = {
      number: this.requests.length + 1,
      connection,
      onConnection,
      headText: request.headText,
      body: request.body,
      json: isObject(json) ? json : null,
      model: isObject(json) && typeof json.model === 'string' ? json.model : null,
      nonce: isObject(json) && typeof json.user === 'string' ? json.user : null,
      refused: validation.ok ? null : validation.reason,
      receivedAt: performance.now(),
      firstByteAt: null,
      finishedAt: null,
      closedAt: null,
      cutBy: null,
      bytesSent: 0,
      usage: null,
    }
    this.requests.push(entry)
    return entry
  }

  async #answer(x: WallExchange): Promise<void> {
    const validation = validateRequest(x.request, this.#providerKey)
    if (!validation.ok) {
      return x.json(validation.status, errorOf(validation.reason, 'invalid_request_error'))
    }
    const model = String(validation.body.model)
    const operation = operationOf(x.request)
    const slow = /^slow-(\d+)$/.exec(model)?.[1]
    if (operation !== null && slow !== undefined) await x.pause(Number(slow))
    if (operation !== null && (model === 'ok' || slow !== undefined))
      return answerOperation(x, operation.path, validation.body)
    const found = faultOf(model)
    if (found === null) return answerUnknownModel(x, model)
    await found.fault(x, validation.body, found.argument)
  }
}

/** The first value of a header in the logged head of a request, or undefined. */
export function sentHeader(request: Pick<WallRequest, 'headText'>, name: string): string | undefined {
  const line = request.headText.split('\r\n').find((text) => text.toLowerCase().startsWith(`${name.toLowerCase()}:`))
  return line?.slice(name.length + 1).trim()
}
