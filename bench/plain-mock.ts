import { createHash } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { pathToFileURL } from 'node:url'
import { plainEvents, plainPaths, uploadAnswer } from './payload.ts'

/**
 * The upstream of uploads, events and WebSocket echoes behind a generic route, a program of its own. It speaks just
 * enough HTTP for that, so that it costs little on the processor it shares with the load. Usage: `plain-mock.ts PORT`.
 */
const serve = (port: number): void => {
  const server = createServer({ noDelay: true, highWaterMark: 262_144 }, (socket) => {
    const connection = new Connection(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => streaming.delete(connection))
    socket.on('data', (bytes: Buffer) => connection.onData(bytes))
  })
  server.listen({ port, host: '127.0.0.1', backlog: 4096 })
  setInterval(() => {
    for (const connection of streaming) connection.sendNext()
  }, paceMs)
}

/** Milliseconds between two events of one paced stream. */
const paceMs = 4
const streaming = new Set<Connection>()
const chunks = plainEvents().map((event) => `${Buffer.byteLength(event).toString(16)}\r\n${event}\r\n`)
const lastChunk = '0\r\n\r\n'
const eventsHead =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n'
const burst = Buffer.from(eventsHead + chunks.join('') + lastChunk)
const refusal = 'HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n'
const webSocketId = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

class Connection {
  readonly #socket: Socket
  #held = ''
  /** Bytes of a body that are still to come; -1 between requests. */
  #left = -1
  #length = 0
  #nextEvent = 0
  #messages: Buffer | null = null

  constructor(socket: Socket) {
    this.#socket = socket
  }

  onData(bytes: Buffer): void {
    if (this.#messages !== null) return this.#echo(bytes)
    if (this.#left >= 0) return this.#takeBody(bytes.length)
    this.#held += bytes.toString('latin1')
    const headEnd = this.#held.indexOf('\r\n\r\n')
    if (headEnd < 0) return
    const head = this.#held.slice(0, headEnd + 2)
    const more = this.#held.length - headEnd - 4
    this.#held = ''
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
    const path = head.split(' ', 2)[1]
    if (path === plainPaths.upload && length > 0) {
      this.#left = this.#length = length
      this.#takeBody(more)
    } else if (path === plainPaths.burst) this.#socket.write(burst)
    else if (path === plainPaths.paced) this.#stream()
    else if (path === plainPaths.echo) this.#upgrade(head)
    else this.#socket.write(refusal)
  }

  sendNext(): void {
    const chunk = chunks[this.#nextEvent++] ?? ''
    const isLast = this.#nextEvent >= chunks.length
    if (isLast) streaming.delete(this)
    this.#socket.write(isLast ? chunk + lastChunk : chunk, 'latin1')
  }

  #stream(): void {
    this.#nextEvent = 0
    this.#socket.write(eventsHead, 'latin1')
    streaming.add(this)
  }

  #takeBody(bytes: number): void {
    this.#left -= bytes
    if (this.#left > 0) return
    this.#left = -1
    const body = uploadAnswer(this.#length)
    this.#socket.write(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
  }

  #upgrade(head: string): void {
    const key = /\r\nsec-websocket-key: *(\S+)/i.exec(head)?.[1]
    if (key === undefined || !/\r\nupgrade: *websocket/i.test(head)) {
      this.#socket.write(refusal)
      return
    }
    const accept = createHash('sha1')
      .update(key + webSocketId)
      .digest('base64')
    this.#messages = Buffer.alloc(0)
    this.#socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n' +
        `sec-websocket-accept: ${accept}\r\n\r\n`,
    )
  }

  /** Sends every whole frame back as a server does: the same payload, without mask. Payloads are up to 125 bytes. */
  #echo(bytes: Buffer): void {
    const held = this.#messages === null || this.#messages.length === 0 ? bytes : Buffer.concat([this.#messages, bytes])
    let at = 0
    while (held.length - at >= 6) {
      const length = held[at + 1]! & 0x7f
      const end = at + 6 + length
      if (held.length < end) break
      const frame = Buffer.allocUnsafe(2 + length)
      frame[0] = held[at]!
      frame[1] = length
      for (let index = 0; index < length; index += 1) {
        frame[2 + index] = held[at + 6 + index]! ^ held[at + 2 + (index & 3)]!
      }
      this.#socket.write(frame)
      at = end
    }
    this.#messages = held.subarray(at)
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) serve(Number(process.argv[2]))
