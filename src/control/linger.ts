import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** What is read and thrown away at most after an early answer, and for how long. */
const LINGER_BYTES = 65_536
const LINGER_MS = 1_000

const REFUSED = Symbol('refused')
type MarkedSocket = Socket & { [REFUSED]?: boolean }

/** True when an earlier request on this connection was answered before its body was read: nothing more is served. */
export function isRefused(socket: Socket): boolean {
  return (socket as MarkedSocket)[REFUSED] === true // an optional mark: absent reads as undefined
}

/** From now on nothing that arrives on this connection is a request. */
export function markRefused(socket: Socket): void {
  ;(socket as MarkedSocket)[REFUSED] = true // as above
}

/**
 * After an answer that came before the body was read: what still arrives is thrown away for a moment, so that the
 * client can read the answer before the connection closes (an immediate close would reset it), and is never parsed
 * as a request.
 */
export function closeAfterUnreadBody(req: IncomingMessage, res: ServerResponse): void {
  const socket = req.socket
  markRefused(socket)
  // Node would destroy the socket right after the last byte; with unread data in the kernel that resets the connection.
  socket.destroySoon = () => {
    socket.end()
  }
  let left = LINGER_BYTES
  req.removeAllListeners('data')
  req.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) req.pause()
  })
  res.once('finish', () => {
    const timer = setTimeout(() => socket.destroy(), LINGER_MS)
    timer.unref()
    socket.once('close', () => clearTimeout(timer))
    if (left >= 0) req.resume()
  })
}
