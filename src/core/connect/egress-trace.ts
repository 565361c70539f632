import type { Socket } from 'node:net'
import type { Destination, EgressEvent } from './destination.ts'

export type EgressObserver = (event: EgressEvent) => void

/** Follows one connection until it stands or will not; tells the observer once. */
export class EgressTrace {
  readonly #destination: Destination
  readonly #observe: EgressObserver | null
  readonly #startMs = performance.now()
  #over = false
  rule: string | null = null
  denied = false

  constructor(destination: Destination, observe: EgressObserver | null) {
    this.#destination = destination
    this.#observe = observe
  }

  follow(socket: Socket): void {
    socket.on('error', this.#onError)
    socket.once('close', () => this.#end('abandoned', null, null))
  }

  connected(socket: Socket): void {
    // What happens from now on is for the asker to hear.
    socket.off('error', this.#onError)
    this.#end('connected', socket.remoteAddress ?? null, null)
  }

  readonly #onError = (error: Error): void => {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : null
    this.#end(this.denied ? 'denied' : 'failed', null, code)
  }

  #end(outcome: EgressEvent['outcome'], address: string | null, code: string | null): void {
    if (this.#over) return
    this.#over = true
    const { host, port, namedBy, socketPath } = this.#destination
    const durationMs = performance.now() - this.#startMs
    this.#observe?.({ host: socketPath ?? host, port, namedBy, address, rule: this.rule, outcome, code, durationMs })
  }
}
