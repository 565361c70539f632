import { type Gateway, refuse } from '../../core/index.ts'
import type { Listeners } from './listeners.ts'

/** In a replacement, connections that stay idle are closed after this time. */
const IDLE_NOTICE_MS = 3_000
/** The last bytes of finished answers get this long to leave. */
const FLUSH_MS = 1_000

export interface DepartureOptions {
  readonly gateway: Gateway
  readonly listeners: Listeners
  /** The grace is over for so many requests. */
  readonly onCut: (requests: number) => void
}

/** How a worker leaves its clients: it takes no connection any more, and ends what runs, by itself or by force. */
export class Departure {
  readonly #options: DepartureOptions
  #begun = false

  constructor(options: DepartureOptions) {
    this.#options = options
  }

  /** Resolves to true when no client is left; to false when another call saw to that. A second call without grace cuts. */
  async leave(graceMs: number, reason: 'replacement' | 'shutdown'): Promise<boolean> {
    const { gateway, listeners } = this.#options
    if (this.#begun) {
      if (graceMs === 0) this.#cut()
      return false
    }
    this.#begun = true
    gateway.leaving = true
    await listeners.stopAccepting()
    const grace = setTimeout(() => this.#cut(), graceMs)
    // A connection that is closed while idle may have a request on its way: in a replacement clients are told first.
    await listeners.closeGently(reason === 'replacement' ? IDLE_NOTICE_MS : 0)
    await gateway.idle()
    clearTimeout(grace)
    listeners.closeIdle()
    await listeners.closed(FLUSH_MS)
    listeners.destroy()
    return true
  }

  #cut(): void {
    const { gateway, onCut } = this.#options
    const { size } = gateway.exchanges
    if (size > 0) onCut(size)
    gateway.cutAll(refuse)
  }
}
