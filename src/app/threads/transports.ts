import { DemoUpstream, type TransportSource } from '../../ai/index.ts'
import { ConnectionPool, type Transport } from '../../core/index.ts'
import type { EgressDoor } from './egress.ts'

/** Requests that may wait for a connection, per connection that may exist. */
const WAITING_PER_CONNECTION = 1

interface Held {
  readonly pool: ConnectionPool
  /** Version of the last plan that used it. */
  version: number
}

/** The connection pools of one worker: plans that follow each other share the pools of origins they have in common. */
export class Transports {
  readonly #pools = new Map<string, Held>()
  readonly #demo: Transport = new DemoUpstream()

  /** The source for compiling one plan. */
  forVersion(version: number, door: EgressDoor): TransportSource {
    return {
      demo: this.#demo,
      connect: ({ origin, connectTimeoutMs, maxConnections }) => {
        const key = `${origin} ${connectTimeoutMs} ${maxConnections} ${door.key}`
        let held = this.#pools.get(key)
        if (held === undefined) {
          const maxWaiting = maxConnections * WAITING_PER_CONNECTION
          const { connector } = door
          const pool = new ConnectionPool({ origin, connectTimeoutMs, maxConnections, maxWaiting, connector })
          held = { pool, version }
          this.#pools.set(key, held)
        }
        held.version = version
        return held.pool
      },
    }
  }

  /** Closes what only plans before this version have used: no request has one of them any more. */
  closeBefore(version: number): void {
    for (const [key, held] of this.#pools) {
      if (held.version >= version) continue
      this.#pools.delete(key)
      void held.pool.close()
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((held) => held.pool.close()))
    this.#pools.clear()
  }
}
