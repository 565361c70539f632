import type { Socket } from 'node:net'
import type { SocketWriter } from '../connect/socket-writer.ts'

/** Notices a client that takes nothing of what waits for it. Looked at now and then instead of with a timer. */
export class StallWatch {
  readonly #socket: Socket
  readonly #writer: Pick<SocketWriter, 'unsentBytes'>
  #mark = 0
  #movedAt: number

  constructor(socket: Socket, writer: Pick<SocketWriter, 'unsentBytes'>, now: number) {
    this.#socket = socket
    this.#writer = writer
    this.#movedAt = now
  }

  /** True when bytes wait to be sent and for so long none has left. */
  isStalled(now: number, patienceMs: number): boolean {
    const socket = this.#socket
    const waiting = this.#writer.unsentBytes
    // Grows with each write that is done, and with each part of a large one that the kernel has taken.
    const mark = socket.bytesWritten - waiting - queuedBytes(socket)
    if (waiting === 0 || mark !== this.#mark) {
      this.#mark = mark
      this.#movedAt = now
      return false
    }
    return now - this.#movedAt > patienceMs
  }
}

/** What is left of the write under way. Node's own timeout of sockets reads the same field; it has no public name. */
function queuedBytes(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { _handle?: { writeQueueSize?: number } | null } // all may be missing
  return handle?.writeQueueSize ?? 0
}
