import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

const MAX_BYTES = 65_536
const MAX_WAIT_MS = 1_000

/**
 * Connections that end after an answer which came before the body was read. What still arrives on them is thrown away,
 * at most 64 KiB and for a second, so that the client can read the answer (a socket that is closed with unread data
 * resets the connection), and is never taken for a request.
 */
export class EndingConnections {
  readonly #sockets = new WeakSet<Socket>()

  /** True when nothing more is served on this connection. */
  has(socket: Socket): boolean {
    return this.#sockets.has(socket)
  }

  /** Ends the connection after this answer, whose head is not written yet. */
  endAfter(req: IncomingMessage, res: ServerResponse): void {
    const { socket } = req
    this.#sockets.add(socket)
    res.setHeader('connection', 'close')
    // Node destroys the socket behind the last byte of such an answer.
    socket.destroySoon = () => {
      socket.end()
    }
    let bytes = 0
    req.removeAllListeners('data')
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > MAX_BYTES) req.pause()
    })
    res.once('finish', () => {
      const timer = setTimeout(() => socket.destroy(), MAX_WAIT_MS)
      timer.unref()
      socket.once('close', () => clearTimeout(timer))
    })
    req.resume()
  }
}
