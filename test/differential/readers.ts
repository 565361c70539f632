import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { eventually } from '../harness/eventually.ts'
import { RawClient } from '../harness/raw-client.ts'
import { RequestReader } from '../harness/wall/request-reader.ts'

/** What came of one connection's bytes behind a proxy. */
export interface Reading {
  /** The requests that the upstream had to their end: method and body. */
  readonly requests: readonly string[]
  /** What the upstream was sent is no HTTP. */
  readonly malformed: string | null
  /** Statuses of the answers to the client that were not the upstream's. */
  readonly refusals: readonly number[]
}

const OURS = 'x-recorder: 1'
/** An answer comes at once or, when a body is awaited, never; so long it is waited for. */
const ANSWER_MS = 120

/** An upstream that reads strictly, notes every request and answers 200. */
export class Recorder {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #requests: string[] = []
  #malformed: string | null = null

  private constructor() {
    this.#server = createServer((socket) => this.#read(socket))
  }

  static async start(): Promise<Recorder> {
    const recorder = new Recorder()
    await new Promise<void>((resolve) => recorder.#server.listen(0, '127.0.0.1', resolve))
    return recorder
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port // a listening TCP server has an AddressInfo
  }

  /** Sends the bytes to the proxy in front of this recorder and tells how it read them. */
  async reading(proxyUrl: string, bytes: Buffer): Promise<Reading> {
    this.#requests = []
    this.#malformed = null
    const client = await RawClient.connect(proxyUrl)
    await client.send(bytes)
    await eventually(() => client.closeKind !== 'open', { deadlineMs: ANSWER_MS, everyMs: 2 }).catch(() => undefined)
    const text = client.received.toString('latin1')
    client.abort()
    const heads = [...text.matchAll(/HTTP\/1\.[01] (\d{3})(?: [^\r\n]*)?\r\n((?:[^\r\n]+\r\n)*)/g)]
    const refusals = heads
      .filter(([, status, lines = '']) => Number(status) >= 200 && !lines.toLowerCase().includes(OURS))
      .map(([, status]) => Number(status))
    return { requests: this.#requests, malformed: this.#malformed, refusals }
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #read(socket: Socket): void {
    const reader = new RequestReader()
    this.#sockets.add(socket)
    socket.on('error', () => undefined) // told by `close` as well
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('data', (bytes: Buffer) => {
      try {
        for (const { head, body } of reader.push(bytes)) {
          const method = head.startLine.split(' ')[0] ?? ''
          this.#requests.push(`${method} ${body.toString('latin1')}`)
          socket.write(`HTTP/1.1 200 OK\r\n${OURS}\r\ncontent-length: 0\r\n\r\n`)
        }
      } catch (error) {
        this.#malformed = `${String(error)}: ${JSON.stringify(bytes.toString('latin1').slice(0, 300))}`
        socket.destroy()
      }
    })
  }
}

/** Why two readings of the same bytes cannot stand beside each other; null when they can. */
export function disagreement(ours: Reading, theirs: Reading): string | null {
  if (ours.malformed !== null) return `we send what is no HTTP: ${ours.malformed}`
  const told = `we read ${JSON.stringify(ours)}, they ${JSON.stringify(theirs)}`
  if (theirs.malformed !== null) return ours.requests.length === 0 ? null : told
  const [short, long] = ours.requests.length <= theirs.requests.length ? [ours, theirs] : [theirs, ours]
  if (!isWithin(short.requests, long.requests)) return told
  // Who has fewer must have refused one, and not swallowed it.
  return short.requests.length === long.requests.length || short.refusals.length > 0 ? null : told
}

/** Whether all of `few` are among `many`, in their order. */
function isWithin(few: readonly string[], many: readonly string[]): boolean {
  let at = 0
  for (const one of many) if (at < few.length && few[at] === one) at++
  return at === few.length
}
