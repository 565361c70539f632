import { LIMIT_TABLE_CELLS, type LimitSnapshot, readLimits, writeLimits } from '../governance/index.ts'
import { monotonicUs } from '../lib/index.ts'
import type { Log } from '../observability/index.ts'
import { type RouteRateState, readRouteRateState, writeRouteRateState } from '../storage/index.ts'
import type { SlotIndexes } from './route-slots.ts'
import { StateSaver } from './state-saver.ts'

const LIMIT = 'limit\n'
const SINGLE = /^limit\n[^\n]*\nroute\n/

/**
 * Keeps the rate limits of routes through a restart: every few seconds, and at the end, it saves how far each runs ahead
 * of the clock. After a crash they lack what was used since it saved last.
 */
export class RouteRateMemory {
  readonly #counters: BigInt64Array
  #saved: RouteRateState | null
  #inForce: () => SlotIndexes = () => ({})
  readonly #saver: StateSaver<RouteRateState>
  #wasEmpty: boolean

  constructor(dataDir: string, counters: BigInt64Array, log: Log) {
    this.#counters = counters
    this.#saved = readRouteRateState(dataDir)
    this.#wasEmpty = this.#saved === null
    this.#saver = new StateSaver({
      state: () => this.#state(),
      write: (state) => writeRouteRateState(dataDir, state),
      warning: 'the rate limits of routes cannot be saved; a restart would forget them',
      log,
    })
  }

  /** A slot was given out for the first time, before anybody counts in it. */
  fill(name: string, index: number): void {
    const snapshot = snapshotOf(this.#saved?.limits[name])
    if (this.#saved === null || snapshot === null || !name.startsWith(LIMIT)) return
    const elapsedUs = (Date.now() - this.#saved.atMs) * 1_000
    writeLimits(this.#counters, placeOf(name, index), { snapshot, elapsedUs, nowUs: monotonicUs() })
  }

  /** The slots of the first plan are filled: from now on the limits in force are saved. */
  begin(inForce: () => SlotIndexes): void {
    this.#saved = null
    this.#inForce = inForce
    this.#saver.start()
  }

  /** Saves a last time. */
  close(): Promise<void> {
    return this.#saver.close()
  }

  /** Null: nothing used, as before; the old one says the same. */
  #state(): RouteRateState | null {
    const nowUs = monotonicUs()
    const limits: Record<string, LimitSnapshot> = {}
    for (const [name, index] of Object.entries(this.#inForce())) {
      const snapshot = name.startsWith(LIMIT) ? readLimits(this.#counters, placeOf(name, index), nowUs) : null
      if (snapshot !== null) limits[name] = snapshot
    }
    const isEmpty = Object.keys(limits).length === 0
    const skip = isEmpty && this.#wasEmpty
    this.#wasEmpty = isEmpty
    return skip ? null : { atMs: Date.now(), limits }
  }
}

function placeOf(name: string, index: number): { index: number; cells: number } {
  return { index, cells: SINGLE.test(name) ? 1 : LIMIT_TABLE_CELLS }
}

/** What a file says, as far as it is what we write. */
function snapshotOf(value: unknown): LimitSnapshot | null {
  if (typeof value !== 'object' || value === null || !('secret' in value) || !('used' in value)) return null
  const { secret, used } = value
  if (secret !== null && (typeof secret !== 'string' || !/^-?\d{1,19}$/.test(secret))) return null
  if (!Array.isArray(used) || !used.every(isEntry)) return null
  return { secret, used }
}

function isEntry(value: unknown): value is [number, number, number] {
  return Array.isArray(value) && value.length === 3 && value.every((each) => Number.isSafeInteger(each) && each >= 0)
}
