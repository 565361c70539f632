import type { Socket } from 'node:net'
import type { SocketWriter } from '../connect/socket-writer.ts'

/** So much is read and thrown away behind the last answer; a client that sends on finds the socket unread. */
export const DISCARD_BYTES = 65_536

/**
 * What a client still sends when its last answer is given. It is thrown away instead of left unread, since the kernel
 * resets a connection that is closed over unread bytes, and the client would lose the answer.
 */
export class DiscardedRest {
  readonly #socket: Socket
  #bytes = 0

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Ends our side as soon as everything is sent, and reads on. */
  begin(writer: SocketWriter): void {
    const socket = this.#socket
    writer.flush()
    // A socket whose end waits behind bytes cannot be reset: Node 26.10 answers EINVAL, and never closes it.
    if (writer.unsentBytes === 0) socket.end()
    else socket.write('', (error) => (error instanceof Error ? undefined : socket.end()))
    if (socket.isPaused()) socket.resume()
  }

  onBytes(bytes: Buffer): void {
    this.#bytes += bytes.length
    if (this.#bytes > DISCARD_BYTES) this.#socket.pause()
  }
}
