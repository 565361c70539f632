import type { Watched } from './deadlines.ts'
import { GatewayError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { TunnelEnd, TunnelPeer } from './phases.ts'
import { end, settle } from './settle.ts'

/**
 * Two connections that carry bytes of another protocol to each other, after an upgrade. Back-pressure goes through; an
 * end of one side is passed to the other; silence of both for longer than the idle time ends it.
 */
export class Tunnel implements Watched {
  readonly #x: Exchange
  readonly #client: TunnelEnd
  readonly #upstream: TunnelEnd
  readonly #idleMs: number
  #ended = 0
  dueAt: number

  constructor(x: Exchange, client: TunnelEnd, upstream: TunnelEnd, idleMs: number) {
    this.#x = x
    this.#client = client
    this.#upstream = upstream
    this.#idleMs = idleMs
    this.dueAt = performance.now() + idleMs
    client.join(this.#peer(client, upstream))
    upstream.join(this.#peer(upstream, client))
  }

  onDue(): void {
    this.#close('idle')
  }

  #peer(from: TunnelEnd, to: TunnelEnd): TunnelPeer {
    return {
      onBytes: (bytes) => {
        const x = this.#x
        this.dueAt = x.gateway.deadlines.now + this.#idleMs
        if (from === this.#upstream) x.bytesOut += bytes.length
        if (!to.write(bytes)) from.pause()
      },
      onEnd: () => {
        to.end()
        if (++this.#ended === 2) this.#close('over')
      },
      // `from` takes more: what it gets comes from `to`.
      onDrain: () => to.resume(),
      onClose: () => this.#close('over'),
    }
  }

  #close(why: 'over' | 'idle'): void {
    const x = this.#x
    if (why === 'over') settle(x)
    else end(x, 'timeout', new GatewayError('upstream_timeout', 'Nothing was sent either way for the idle time.'))
    this.#client.destroy()
    this.#upstream.destroy()
  }
}
