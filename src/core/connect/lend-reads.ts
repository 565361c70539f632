import { Socket, type SocketConstructorOpts } from 'node:net'

/**
 * Accepted connections of one thread read into one buffer: what was read is consumed before the next read begins. It is
 * a buffer of its own, not a part of Node's pool.
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(65_536)
const MEMORY = READ_BUFFER.buffer

/** What an accepted socket has in Node, and no public name. */
interface Inner {
  _handle?: (Handle & { readonly useUserBuffer?: unknown }) | null
}

/** Node declares the option for bound sockets only; its own server makes sockets of accepted connections with it. */
type Handle = NonNullable<SocketConstructorOpts['handle']>

/**
 * Takes over an accepted socket that nobody has read from, and gives one that hands its bytes to `onBytes`: they are a
 * view into a buffer of the thread, valid during the call only. Null, with the socket as it was, when it cannot be read
 * in this way: TLS, what is no TCP socket, bytes that were given back to it, or a Node that keeps connections elsewhere.
 *
 * Node has `onread` for sockets that connect, and for those that are made from a handle; what a server accepts it has
 * made already (docs/decisions/0007-own-http1-server.md). The accepted socket stays, without its handle, for its
 * server's count of connections.
 */
export function lendReads(accepted: Socket, onBytes: (bytes: Buffer) => void): Socket | null {
  const inner = accepted as Inner // its one field may be missing
  const handle = inner._handle
  if (typeof handle?.useUserBuffer !== 'function' || !isUntouched(accepted)) return null
  const callback = (length: number) => {
    onBytes(READ_BUFFER.subarray(0, length))
    return !socket.isPaused()
  }
  const { allowHalfOpen, writableHighWaterMark: highWaterMark } = accepted
  const onread = { buffer: READ_BUFFER, callback }
  // Node hands its options to the stream, which has a mark; the declaration of a socket's options does not say so.
  const options: SocketConstructorOpts & { readonly highWaterMark: number } = {
    handle,
    allowHalfOpen,
    highWaterMark,
    onread,
  }
  const socket = new Socket(options)
  inner._handle = null
  socket.once('close', () => accepted.destroy())
  return socket
}

/** It has nothing to read, and nobody listens: TLS, and whoever spoke before HTTP, does. */
function isUntouched(socket: Socket): boolean {
  if (!(socket instanceof Socket) || 'encrypted' in socket || socket.destroyed) return false
  return socket.readableFlowing === null && socket.readableLength === 0 && !socket.readableEnded
}

/** The next read of the thread writes over them. */
export function isLent(bytes: Buffer): boolean {
  return bytes.buffer === MEMORY
}

/** Bytes that may be kept: a copy when they were lent, else themselves. */
export function ownBytes(bytes: Buffer, from: number, to = bytes.length): Buffer {
  if (bytes.buffer !== MEMORY) return from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to)
  const own = Buffer.allocUnsafe(to - from)
  bytes.copy(own, 0, from, to)
  return own
}
