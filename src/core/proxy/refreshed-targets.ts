import { asError } from '../../lib/index.ts'
import { Positions } from '../balance/positions.ts'
import { SharedLease } from '../balance/shared-lease.ts'
import { positionName, positionNames, positionsSlot, targetSlot, tellerSlot } from '../balance/slots.ts'
import { TargetState } from '../balance/target-state.ts'
import { TargetList } from '../connect/target-list.ts'
import { closeTarget, type PoolTarget, type SharedState } from './upstream-pool.ts'

/** What was found out of the addresses of a name. */
export interface RefreshNews {
  readonly target: string
  readonly addresses: readonly string[]
  /** Why they could not be told, so that the last ones stay; null when they have changed. */
  readonly error: Error | null
  /** Addresses for which there is no position: they get no requests. */
  readonly without: readonly string[]
}

export interface RefreshedTargetsOptions {
  readonly pool: string
  /** The origin of the name. */
  readonly target: string
  readonly weight: number
  readonly refreshMs: number
  readonly shared: SharedState
  readonly now: () => number
  readonly addresses: () => Promise<readonly string[]>
  /** Opens connections to one address; null: to whatever the name leads to when a connection is made. */
  readonly open: (address: string | null) => Pick<PoolTarget, 'transport' | 'probe'>
  /** `targets` has changed. */
  readonly onChange: () => void
  /** Of all threads one tells. */
  readonly onNews: (news: RefreshNews) => void
}

/** Rounds of refreshing that may be missed before a position is given to another address, and time for slow answers. */
const KEPT_ROUNDS = 3
const KEPT_MS = 30_000
/** In the place of an address as long as none is known: connections are made by the name, as without refreshing. */
const BY_NAME = ''

/** How long after its last sight an address has its position, at least. */
export function keepMs(refreshMs: number): number {
  return KEPT_ROUNDS * refreshMs + KEPT_MS
}

interface Held extends PoolTarget {
  readonly address: string
}

/**
 * The addresses of one name as targets of a pool, each with its own connections and state. Connections of an address
 * that is gone finish what they carry and close.
 */
export class RefreshedTargets {
  readonly #options: RefreshedTargetsOptions
  readonly #positions: Positions
  readonly #teller: SharedLease
  readonly #list: TargetList
  #held: readonly Held[] = []
  #failing = false

  constructor(options: RefreshedTargetsOptions) {
    this.#options = options
    const { pool, target, shared, refreshMs } = options
    const { cells, seat, indexOf } = shared
    const states = positionNames(target).map(
      (name) => new TargetState(cells, indexOf(targetSlot(pool, name, seat.of)), seat),
    )
    this.#positions = new Positions(cells, indexOf(positionsSlot(pool, target)), {
      keepMs: keepMs(refreshMs),
      isBusy: (position) => (states[position]?.inFlight ?? 0) > 0,
      onClaim: (position) => states[position]?.forget(),
    })
    this.#teller = new SharedLease(cells, indexOf(tellerSlot(pool, target)), { seat, lengthMs: keepMs(refreshMs) })
    this.#list = new TargetList({
      refreshMs,
      list: async () => {
        // Also when no new answer comes: a position is kept for who says that it is wanted.
        this.#apply()
        const found = await options.addresses()
        this.#failing = false
        return found
      },
      onChange: () => {
        const without = this.#apply()
        this.#tell({ error: null, without })
      },
      onFailure: (error) => {
        if (!this.#failing) this.#tell({ error: asError(error), without: [] })
        this.#failing = true
      },
    })
    this.#apply()
  }

  get targets(): readonly PoolTarget[] {
    return this.#held
  }

  /** Resolves when the first answer, or failure, is here. */
  async start(): Promise<void> {
    await this.#list.start()
  }

  close(): void {
    this.#list.close()
    this.#teller.release()
  }

  /** Takes positions for the addresses that count now; those that found none. */
  #apply(): string[] {
    const { now, target, weight, open, onChange } = this.#options
    const known = this.#list.addresses
    const addresses = known.length === 0 ? [BY_NAME] : known
    const positions = this.#positions.take(addresses, now())
    const before = new Map(this.#held.map((held) => [held.address, held]))
    const next = addresses.flatMap((address, at): Held[] => {
      const position = positions[at] ?? null
      if (position === null) return []
      const held = before.get(address)
      const place = { slot: positionName(target, position.number), claim: position.claim }
      if (held?.slot === place.slot && held.claim === place.claim) return [held]
      const id = address === BY_NAME ? target : `${target}#${address}`
      return [{ ...(held ?? open(address === BY_NAME ? null : address)), id, weight, address, ...place }]
    })
    const isSame = next.length === this.#held.length && next.every((held, at) => held === this.#held[at])
    if (!isSame) {
      this.#held = next
      onChange()
      const kept = new Set(next.map(({ transport }) => transport))
      for (const held of before.values()) if (!kept.has(held.transport)) void closeTarget(held)
    }
    return addresses.filter((_, at) => positions[at] === null)
  }

  #tell({ error, without }: Pick<RefreshNews, 'error' | 'without'>): void {
    const { target, now, onNews } = this.#options
    if (this.#teller.hold(now())) onNews({ target, addresses: this.#list.addresses, error, without })
  }
}
