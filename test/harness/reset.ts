import type { Socket } from 'node:net'

/**
 * Resets a connection. One whose end is on its way is closed instead: Node 26.10 answers its reset with EINVAL, keeps it
 * open, and the process, when it ends, waits for it for ever in a busy loop.
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy()
  else socket.resetAndDestroy()
}
