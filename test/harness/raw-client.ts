import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from './eventually.ts'
import { type Field, fieldValue, MalformedMessage, readBody, readHead, responseFraming } from './http-message.ts'
import { reset } from './reset.ts'

/** One HTTP/1.1 response as it came; `complete` is false when the connection ended inside it. */
export interface RawResponse {
  readonly status: number
  readonly fields: readonly Field[]
  readonly body: Buffer
  readonly complete: boolean
  header(name: string): string | undefined
}

/** How the other side ended the connection: not yet, with FIN, or with RST. */
export type CloseKind = 'open' | 'fin' | 'rst'

/** Parses every response in `bytes`, skipping 1xx; throws {@link MalformedMessage} for bytes that are none. */
export function parseResponses(bytes: Buffer, ended = true): RawResponse[] {
  const responses: RawResponse[] = []
  let rest = bytes
  while (rest.length > 0) {
    const head = readHead(rest)
    if (head === null) break
    const status = Number(/^HTTP\/1\.[01] (\d{3})(?: .*)?$/.exec(head.startLine)?.[1])
    if (Number.isNaN(status)) throw new MalformedMessage(`no status line: ${JSON.stringify(head.startLine)}`)
    const body = readBody(rest, head.bytes, responseFraming(status, head.fields), ended)
    if (status >= 200) {
      const { fields } = head
      const header = (name: string) => fieldValue(fields, name.toLowerCase())
      responses.push({ status, fields, body: body.content, complete: body.complete, header })
    }
    if (!body.complete) break
    rest = rest.subarray(body.end)
  }
  return responses
}

/** A TCP client that sends exactly the bytes it is given and notes what came back, when, and how it ended. */
export class RawClient {
  readonly socket: Socket
  /** `performance.now()` of the events, `closed` by the peer; null while they have not happened. */
  readonly times: { connected: number | null; firstByte: number | null; closed: number | null }
  closeKind: CloseKind = 'open'
  /** Bytes received so far. */
  receivedBytes = 0
  readonly #chunks: Buffer[] = []

  constructor(socket: Socket) {
    this.socket = socket
    this.times = { connected: null, firstByte: null, closed: null }
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      this.times.firstByte ??= performance.now()
      this.receivedBytes += chunk.length
      this.#chunks.push(chunk)
    })
    socket.on('end', () => {
      this.#closed('fin')
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // EPIPE is the other half of an RST: the peer was gone when we wrote.
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') this.#closed('rst')
    })
  }

  /** Connects to the host and port of `url`; rejects when nobody listens there. */
  static async connect(url: string): Promise<RawClient> {
    const { hostname, port } = new URL(url)
    // Half-open, so that our FIN is ours to send and the peer's is only noted.
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
    const client = new RawClient(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    client.times.connected = performance.now()
    return client
  }

  #closed(kind: CloseKind): void {
    if (this.closeKind !== 'open') return
    this.closeKind = kind
    this.times.closed = performance.now()
  }

  /** All bytes received so far. */
  get received(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  /** Sends the bytes (text as latin1, one byte per character); resolves when the kernel has them or the peer is gone. */
  send(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.destroyed || this.socket.writableEnded) resolve()
      else {
        const data = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
        this.socket.write(data, () => {
          resolve()
        })
      }
    })
  }

  /** Sends the bytes in pieces of `pieceBytes`, one packet each, with a pause between them. */
  async sendSplit(bytes: string | Buffer, pieceBytes: number, pauseMs = 0): Promise<void> {
    const all = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
    for (let offset = 0; offset < all.length; offset += pieceBytes) {
      if (this.closeKind !== 'open') return
      await this.send(all.subarray(offset, offset + pieceBytes))
      if (pauseMs > 0) await delay(pauseMs)
    }
  }

  /** Ends our side with FIN. */
  finish(): void {
    this.socket.end()
  }

  /** Ends the connection with RST. */
  abort(): void {
    reset(this.socket)
  }

  /** Stops (or goes on) reading, so that the kernel's window closes. */
  setReading(state: 'paused' | 'flowing'): void {
    if (state === 'paused') this.socket.pause()
    else this.socket.resume()
  }

  /** The responses received so far; the last one may be incomplete. */
  responses(): RawResponse[] {
    return parseResponses(this.received, this.closeKind !== 'open')
  }

  /** Resolves with the first `count` complete responses; throws when they don't come before the deadline. */
  waitForResponses(count = 1, deadlineMs = 5_000): Promise<RawResponse[]> {
    const what = `${count} complete response(s)`
    return eventually(
      () => {
        const complete = this.responses().filter((response) => response.complete)
        return complete.length >= count ? complete : null
      },
      { deadlineMs, what },
    )
  }

  /** Resolves with how the peer closed; throws when it did not before the deadline. */
  waitForClose(deadlineMs = 5_000): Promise<CloseKind> {
    return eventually(() => (this.closeKind === 'open' ? null : this.closeKind), { deadlineMs, what: 'the close' })
  }

  /** Frees the socket. */
  close(): void {
    this.socket.destroy()
  }
}

/** Sends the bytes on a new connection, waits for the peer's close (or the deadline) and returns the client, closed. */
export async function exchangeRaw(url: string, bytes: string | Buffer, deadlineMs = 3_000): Promise<RawClient> {
  const client = await RawClient.connect(url)
  try {
    await client.send(bytes)
    await client.waitForClose(deadlineMs).catch(() => {
      // A peer that keeps the connection open is a result too: `closeKind` stays `open`.
    })
    return client
  } finally {
    client.close()
  }
}
