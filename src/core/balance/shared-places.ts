import type { Seat } from './contract.ts'
import { OWNED_PLACES_CELLS, OwnedPlaces } from './owned-places.ts'
import { glance, type SharedCells } from './shared-cells.ts'

/*
 * Slot, in words:
 *
 *   0    halves: counts the changes that those who wait must hear of │ unused
 *   1…   one for each seat: since when its first request waits, milliseconds; 0 when none does
 *   …    the places of requests that are served
 *   …    the places of requests that wait
 */
const FIRST_SEAT = 1

/** Words of a slot of places. */
export function placesCells(seats: number): number {
  return FIRST_SEAT + seats + 2 * OWNED_PLACES_CELLS
}

/** How many requests a target is given at a time, and how many may wait for that, over all threads. */
export class SharedPlaces {
  readonly served: OwnedPlaces
  readonly queued: OwnedPlaces
  readonly #cells: SharedCells
  readonly #word: number
  readonly #seat: Seat

  /** `index` is the slot's first word. */
  constructor(cells: SharedCells, index: number, seat: Seat) {
    this.#cells = cells
    this.#word = index
    this.#seat = seat
    const first = index + FIRST_SEAT + seat.of
    this.served = new OwnedPlaces(cells.halves, first * 2, seat.number)
    this.queued = new OwnedPlaces(cells.halves, (first + OWNED_PLACES_CELLS) * 2, seat.number)
  }

  /** Since when the first request of this thread waits; 0: none does. */
  waitsSince(ms: number): void {
    Atomics.store(this.#cells.words, this.#word + FIRST_SEAT + this.#seat.number, BigInt(Math.floor(ms)))
    this.tell()
  }

  /** Some thread's request waits. */
  get isAwaited(): boolean {
    const { halves } = this.#cells
    const end = (this.#word + FIRST_SEAT + this.#seat.of) * 2
    for (let at = (this.#word + FIRST_SEAT) * 2; at < end; at++) if (glance(halves, at) !== 0) return true
    return false
  }

  /** No other thread's request waits longer than since then. */
  isFirst(sinceMs: number): boolean {
    const since = BigInt(Math.floor(sinceMs))
    const { words } = this.#cells
    for (let seat = 0; seat < this.#seat.of; seat++) {
      if (seat === this.#seat.number) continue
      const other = Atomics.load(words, this.#word + FIRST_SEAT + seat)
      if (other !== 0n && other < since) return false
    }
    return true
  }

  /** What `changed` is asked with. */
  get version(): number {
    return Atomics.load(this.#cells.halves, this.#word * 2)
  }

  /** Resolves with true when `tell` is called after this version was read, with false after so many milliseconds. */
  async changed(version: number, atMostMs: number): Promise<boolean> {
    const { value } = Atomics.waitAsync(this.#cells.halves, this.#word * 2, version, atMostMs)
    return (await value) !== 'timed-out'
  }

  /** Those who wait should look again. */
  tell(): void {
    Atomics.add(this.#cells.halves, this.#word * 2, 1)
    Atomics.notify(this.#cells.halves, this.#word * 2)
  }

  /** Forgets what a dead thread had, and what it waited for. */
  clearSeat(seat: number): void {
    this.served.clearSeat(seat)
    this.queued.clearSeat(seat)
    Atomics.store(this.#cells.words, this.#word + FIRST_SEAT + seat, 0n)
    this.tell()
  }
}
