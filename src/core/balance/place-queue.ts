import type { Seat } from './contract.ts'
import type { SharedCells } from './shared-cells.ts'
import { SharedPlaces } from './shared-places.ts'

/** A thread that does not answer, or is dead, holds up those of others no longer than this. */
const LOOK_MS = 100

/** A request that waits for a place. */
export interface PlaceWaiter {
  /** Of the clock that all threads share. */
  readonly sinceMs: number
  /**
   * It is its turn. `full`: there was no place for it, it waits on; `gone`: it has one, or no use for one any more, and has
   * left the queue. Must not throw, and begin nothing before it answers.
   */
  offer(queue: PlaceQueue): 'full' | 'gone'
}

/**
 * The places of one target as one thread sees them: first come, first served, over all threads as far as they are alive
 * and their clocks agree. One for each slot and thread, whatever the plan: the limits come with each call.
 */
export class PlaceQueue {
  readonly #shared: SharedPlaces
  /** In the order in which they came, each with its place in the queue. */
  readonly #waiters = new Map<PlaceWaiter, number>()
  #told = 0
  #watching = false

  /** Use `placeQueueAt`. */
  constructor(shared: SharedPlaces) {
    this.#shared = shared
  }

  /** Requests that have a place, in all threads. */
  get served(): number {
    return this.#shared.served.taken
  }

  /** Requests that wait, in all threads. */
  get queued(): number {
    return this.#shared.queued.taken
  }

  /** A place for a request that comes now, unless all are taken or somebody waits; -1 then. */
  take(limit: number): number {
    return this.#shared.isAwaited ? -1 : this.#shared.served.take(limit)
  }

  /** The same for one whose turn it is. */
  takeInTurn(limit: number): number {
    return this.#shared.served.take(limit)
  }

  giveBack(place: number): void {
    this.#shared.served.giveBack(place)
    if (this.#shared.isAwaited) this.#shared.tell()
  }

  /** Puts it at the end; false when as many wait as may. */
  join(waiter: PlaceWaiter, limit: number): boolean {
    if (this.#waiters.has(waiter)) return true
    const spot = this.#shared.queued.take(limit)
    if (spot < 0) return false
    this.#waiters.set(waiter, spot)
    this.#tell()
    if (!this.#watching) {
      this.#watching = true
      // Not before whoever joins is ready to be offered a place.
      queueMicrotask(() => void this.#watch())
    }
    return true
  }

  /** It waits no longer. */
  leave(waiter: PlaceWaiter): void {
    const spot = this.#waiters.get(waiter)
    if (spot === undefined) return
    this.#waiters.delete(waiter)
    this.#shared.queued.giveBack(spot)
    this.#tell()
  }

  async #watch(): Promise<void> {
    let isTold = true
    while (this.#waiters.size > 0) {
      const { version } = this.#shared
      this.#serve(isTold)
      if (this.#waiters.size > 0) isTold = await this.#shared.changed(version, LOOK_MS)
    }
    this.#watching = false
  }

  /** Offers places to those whose turn it is. When nothing was told for long, whoever should come first does not come. */
  #serve(isTold: boolean): void {
    for (const waiter of this.#waiters.keys()) {
      if (isTold && !this.#shared.isFirst(waiter.sinceMs)) return
      if (waiter.offer(this) === 'full') return
    }
  }

  #tell(): void {
    const [first] = this.#waiters.keys()
    const since = first === undefined ? 0 : Math.max(1, Math.floor(first.sinceMs))
    if (since === this.#told) return
    this.#told = since
    this.#shared.waitsSince(since)
  }
}

const QUEUES = new WeakMap<SharedCells, Map<number, PlaceQueue>>()

/** The queue of this thread for the slot whose first word this is. */
export function placeQueueAt(cells: SharedCells, index: number, seat: Seat): PlaceQueue {
  let queues = QUEUES.get(cells)
  if (queues === undefined) {
    queues = new Map()
    QUEUES.set(cells, queues)
  }
  let queue = queues.get(index)
  if (queue === undefined) {
    queue = new PlaceQueue(new SharedPlaces(cells, index, seat))
    queues.set(index, queue)
  }
  return queue
}
