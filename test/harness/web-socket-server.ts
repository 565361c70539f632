import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'

/** A frame as it came; masks are taken off. */
export interface Frame {
  readonly opcode: number
  readonly payload: Buffer
  readonly masked: boolean
}

const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
export const TEXT = 1
export const CLOSE = 8

/** The answer that opens a WebSocket (RFC 6455, 4.2.2). */
export function acceptLines(key: string, more: readonly string[] = []): string {
  const accept = createHash('sha1')
    .update(key + MAGIC)
    .digest('base64')
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
  ]
  return `${[...lines, ...more].join('\r\n')}\r\n\r\n`
}

/** One frame that is not masked, as servers send them. */
export function frameOf(payload: string | Buffer, opcode = TEXT): Buffer {
  const bytes = Buffer.from(payload)
  const head = Buffer.alloc(bytes.length < 126 ? 2 : bytes.length < 65_536 ? 4 : 10)
  head[0] = 0x80 | opcode
  if (head.length === 2) head[1] = bytes.length
  else if (head.length === 4) head[1] = 126
  else head[1] = 127
  if (head.length === 4) head.writeUInt16BE(bytes.length, 2)
  if (head.length === 10) head.writeBigUInt64BE(BigInt(bytes.length), 2)
  return Buffer.concat([head, bytes])
}

/** Tells every whole frame that comes over a socket. */
export function onFrames(socket: Socket, tell: (frame: Frame) => void): void {
  let held: Buffer = Buffer.alloc(0)
  socket.on('data', (bytes: Buffer) => {
    held = Buffer.concat([held, bytes])
    for (let frame = readFrame(held); frame !== null; frame = readFrame(held)) {
      held = held.subarray(frame.end)
      tell(frame)
    }
  })
}

function readFrame(bytes: Buffer): (Frame & { end: number }) | null {
  if (bytes.length < 2) return null
  const short = (bytes[1] ?? 0) & 0x7f
  const masked = ((bytes[1] ?? 0) & 0x80) !== 0
  let at = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0)
  if (bytes.length < at) return null
  const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short
  const mask = masked ? bytes.subarray(at, at + 4) : null
  at += masked ? 4 : 0
  if (bytes.length < at + length) return null
  const payload = Buffer.from(bytes.subarray(at, at + length))
  if (mask !== null)
    for (let index = 0; index < payload.length; index++) payload[index] = (payload[index] ?? 0) ^ (mask[index & 3] ?? 0)
  return { opcode: (bytes[0] ?? 0) & 0x0f, payload, masked, end: at + length }
}
