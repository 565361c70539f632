import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { eventually } from './eventually.ts'

/** Types of frames, flags and errors by number (RFC 9113, 6 and 7). */
export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
}
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4 }
export const CODE = { none: 0, protocol: 1, refused: 7, cancel: 8, calm: 11 }

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

export function frame(type: number, flags: number, stream: number, payload: Buffer | string = ''): Buffer {
  const body = Buffer.from(payload)
  const head = Buffer.alloc(9)
  head.writeUIntBE(body.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, body])
}

/** A header block in the plainest form of HPACK: every field a literal that enters no table (RFC 7541, 6.2.2). */
export function block(fields: readonly string[]): Buffer {
  const text = (value: string) => {
    const bytes = Buffer.from(value, 'latin1')
    return Buffer.concat([integer(bytes.length), bytes])
  }
  return Buffer.concat(fields.flatMap((field, at) => (at % 2 === 0 ? [Buffer.of(0), text(field)] : [text(field)])))
}

/** With a prefix of seven bits and no Huffman flag (RFC 7541, 5.1). */
function integer(value: number): Buffer {
  if (value < 127) return Buffer.of(value)
  const bytes = [127]
  let rest = value - 127
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128)
  return Buffer.of(...bytes, rest)
}

export const GET: readonly string[] = [':method', 'GET', ':scheme', 'https', ':authority', 'a', ':path', '/']

/** A request without a body. */
export const request = (stream: number, fields: readonly string[] = GET, flags = FLAG.endHeaders | FLAG.endStream) =>
  frame(FRAME.headers, flags, stream, block(fields))

/** A client that sends the frames it is given, right or wrong, and notes those that come. */
export class RawHttp2 {
  readonly socket: TLSSocket
  readonly frames: Frame[] = []
  #bytes: Buffer = Buffer.alloc(0)

  constructor(socket: TLSSocket) {
    this.socket = socket
    socket.on('error', () => undefined)
    socket.on('data', (bytes: Buffer) => this.#read(bytes))
  }

  /** Connects and sends the preface with empty settings; the connection ends with the test. */
  static async connect(t: TestContext, port: number, ca: string): Promise<RawHttp2> {
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca, ALPNProtocols: ['h2'] })
    const client = new RawHttp2(socket)
    t.after(() => socket.destroy())
    await once(socket, 'secureConnect')
    client.send(Buffer.from(PREFACE), frame(FRAME.settings, 0, 0))
    return client
  }

  send(...frames: readonly Buffer[]): boolean {
    return this.socket.write(Buffer.concat(frames))
  }

  get closed(): boolean {
    return this.socket.destroyed || this.socket.readableEnded
  }

  /** The first frame of a type, on a stream when one is named; null when the connection ended without it. */
  async next(type: number, stream = -1): Promise<Frame | null> {
    const find = () => this.frames.find((each) => each.type === type && (stream < 0 || each.stream === stream)) ?? null
    await eventually(() => find() !== null || this.closed, { what: `a frame of type ${type}` })
    return find()
  }

  /** The code of a reset of this stream, or of the GOAWAY; null for an answer. */
  async outcome(stream: number): Promise<{ reset: number } | { goaway: number } | 'answer' | 'closed'> {
    const last = await eventually(
      () =>
        this.frames.find(({ type, stream: id }) => (id === stream && type !== FRAME.window) || type === FRAME.goaway) ??
        this.closed,
      { what: `an outcome of stream ${stream}` },
    )
    if (last === true) return 'closed'
    if (last.type === FRAME.goaway) return { goaway: last.payload.readUInt32BE(4) }
    return last.type === FRAME.reset ? { reset: last.payload.readUInt32BE(0) } : 'answer'
  }

  #read(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    while (this.#bytes.length >= 9) {
      const end = 9 + this.#bytes.readUIntBE(0, 3)
      if (this.#bytes.length < end) return
      const [type, flags] = [this.#bytes.readUInt8(3), this.#bytes.readUInt8(4)]
      const stream = this.#bytes.readUInt32BE(5) & 0x7fffffff
      this.frames.push({ type, flags, stream, payload: this.#bytes.subarray(9, end) })
      this.#bytes = this.#bytes.subarray(end)
    }
  }
}
