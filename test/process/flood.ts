import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { chunkOf, composeAnswer, eventOf } from '../harness/wall/chat.ts'
import { chunked, headOf } from '../harness/wall/exchange.ts'

const EVENT_TEXT = 'x'.repeat(1_000)
const EVENTS_PER_WRITE = 64

/** An upstream that answers every request with an event stream without end, as fast as it is taken. */
export class Flood {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #piece: Buffer

  private constructor() {
    const answer = composeAnswer({ model: 'flood', stream: true })
    this.#piece = chunked(eventOf(chunkOf(answer, { content: EVENT_TEXT })).repeat(EVENTS_PER_WRITE))
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {
        // A reset is how the gateway tells that its client is gone.
      })
      socket.on('close', () => this.#sockets.delete(socket))
      socket.once('data', () => {
        socket.resume()
        socket.write(headOf(200, ['content-type: text/event-stream', 'transfer-encoding: chunked']))
        this.#pour(socket)
      })
    })
  }

  /** Starts one on a free loopback port. */
  static async start(): Promise<Flood> {
    const flood = new Flood()
    await new Promise<void>((resolve) => {
      flood.#server.listen(0, '127.0.0.1', 4_096, resolve)
    })
    return flood
  }

  /** Base URL for an `openai-compatible` provider. */
  get url(): string {
    // A TCP server that listens has an AddressInfo; the type also covers pipes.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`
  }

  /** Bytes that the kernel has taken, for each stream that is open. */
  get sentBytes(): number[] {
    return [...this.#sockets].map((socket) => socket.bytesWritten - socket.writableLength)
  }

  /** Ends every stream and stops listening. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve()
      })
    })
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #pour(socket: Socket): void {
    // The next piece is written when the kernel has taken this one.
    socket.write(this.#piece, (error) => {
      if (!error) this.#pour(socket)
    })
  }
}
