import type { Socket } from 'node:net'
import type { TunnelEnd, TunnelPeer } from '../phases.ts'

/** A socket whose bytes belong to another protocol. Whoever reads the socket passes its events on. */
export class SocketTunnel implements TunnelEnd, TunnelPeer {
  readonly #socket: Socket
  /** What came before there was a peer. */
  #early: Buffer | null
  #earlyEnd = false
  #peer: TunnelPeer | null = null

  constructor(socket: Socket, early: Buffer | null) {
    this.#socket = socket
    this.#early = early
  }

  join(peer: TunnelPeer): void {
    this.#peer = peer
    const early = this.#early
    this.#early = null
    if (early !== null && early.length > 0) peer.onBytes(early)
    if (this.#earlyEnd) peer.onEnd()
    if (this.#socket.isPaused()) this.#socket.resume()
  }

  write(bytes: Buffer): boolean {
    return this.#socket.destroyed || this.#socket.write(bytes)
  }

  end(): void {
    this.#socket.end()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  destroy(): void {
    // What was written still leaves; a socket that is not read any more is closed all the same.
    this.#socket.destroySoon()
  }

  onBytes(bytes: Buffer): void {
    if (this.#peer !== null) this.#peer.onBytes(bytes)
    else this.#early = this.#early === null ? bytes : Buffer.concat([this.#early, bytes])
  }

  onEnd(): void {
    if (this.#peer === null) this.#earlyEnd = true
    else this.#peer.onEnd()
  }

  onDrain(): void {
    this.#peer?.onDrain()
  }

  onClose(): void {
    this.#peer?.onClose()
  }
}
