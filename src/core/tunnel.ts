import type { Watched } from './deadlines.ts'
import { GatewayError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { TunnelEnd, TunnelPeer, TunnelWatch } from './phases.ts'
import { end, endStateOf, settle } from './settle.ts'

/**
 * Two connections that carry bytes of another protocol to each other, after an upgrade. Back-pressure goes through; an
 * end of one side is passed to the other; silence of both for longer than the idle time ends it.
 */
export class Tunnel implements Watched {
  readonly #x: Exchange
  readonly #client: TunnelEnd
  readonly #upstream: TunnelEnd
  readonly #idleMs: number
  /** When it ends whatever is sent. */
  readonly #endsAt: number
  readonly #watch: TunnelWatch | null
  #ended = 0
  dueAt: number

  constructor(
    x: Exchange,
    client: TunnelEnd,
    upstream: TunnelEnd,
    { idleMs, watch }: { readonly idleMs: number; readonly watch: TunnelWatch | null },
  ) {
    this.#x = x
    this.#client = client
    this.#upstream = upstream
    this.#idleMs = watch?.idleMs ?? idleMs
    this.#watch = watch
    const now = performance.now()
    this.#endsAt = watch === null ? Number.POSITIVE_INFINITY : now + watch.totalMs
    this.dueAt = Math.min(this.#endsAt, now + this.#idleMs)
    client.join(this.#peer(client, upstream))
    upstream.join(this.#peer(upstream, client))
  }

  onDue(now: number): void {
    const message =
      now >= this.#endsAt
        ? 'The session has reached its longest duration.'
        : 'Nothing was sent either way for the idle time.'
    this.#cut(new GatewayError('upstream_timeout', message))
  }

  #peer(from: TunnelEnd, to: TunnelEnd): TunnelPeer {
    return {
      onBytes: (bytes) => {
        const x = this.#x
        this.dueAt = Math.min(this.#endsAt, x.gateway.deadlines.now + this.#idleMs)
        if (from === this.#upstream) {
          x.bytesOut += bytes.length
          const problem = this.#watch?.onUpstreamBytes(bytes) ?? null
          if (problem !== null) {
            to.write(bytes)
            return this.#cut(problem)
          }
        }
        if (!to.write(bytes)) from.pause()
      },
      onEnd: () => {
        to.end()
        if (++this.#ended === 2) this.#close()
      },
      // `from` takes more: what it gets comes from `to`.
      onDrain: () => to.resume(),
      onClose: () => this.#close(),
    }
  }

  #cut(error: GatewayError): void {
    const farewell = this.#watch?.farewell(error) ?? null
    if (farewell !== null) this.#client.write(farewell)
    this.#beAnswered()
    end(this.#x, endStateOf(error), error)
    this.#destroy()
  }

  #close(): void {
    this.#beAnswered()
    settle(this.#x)
    this.#destroy()
  }

  /** Whoever opened the tunnel did what was asked; it is busy with it until here. */
  #beAnswered(): void {
    const x = this.#x
    if (!x.settled) x.attempting?.onAnswer?.(x)
  }

  #destroy(): void {
    this.#client.destroy()
    this.#upstream.destroy()
  }
}
