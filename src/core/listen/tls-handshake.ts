import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { describeCertificate } from './client-certificate.ts'
import type { Connection } from './door.ts'
import type { HandshakeEnd, Secured } from './tls.ts'

/** A handshake is given up after this time, however busily the client sends. */
export const HANDSHAKE_TIMEOUT_MS = 10_000

/** A connection until it is encrypted, or gone. */
export class TlsHandshake implements Connection {
  readonly idle = true
  readonly #socket: Socket
  readonly #onEnd: HandshakeEnd
  readonly #since = performance.now()
  #over = false

  constructor(socket: Socket, onEnd: HandshakeEnd) {
    this.#socket = socket
    this.#onEnd = onEnd
    // What it says is told by `close` as well.
    socket.on('error', () => undefined)
    socket.on('close', () => this.#end(null))
  }

  /** The handshake is complete; `asked`: the client was asked for a certificate. */
  secured(socket: TLSSocket, asked: boolean): void {
    const shown = asked ? socket.getPeerX509Certificate() : undefined
    if (this.#over || (shown !== undefined && !socket.authorized)) socket.destroy()
    else this.#end({ secured: socket, certificate: shown === undefined ? null : describeCertificate(shown) })
  }

  sweep(now: number): void {
    if (now - this.#since > HANDSHAKE_TIMEOUT_MS) this.destroy()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #end(done: Secured | null): void {
    if (this.#over) return
    this.#over = true
    this.#onEnd(done)
  }
}
