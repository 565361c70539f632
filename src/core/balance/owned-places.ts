import { glance } from './shared-cells.ts'

/** So many of them there can be at most. */
export const MOST_PLACES = 4_096

/*
 * Slot, in halves:
 *
 *   0    the largest limit that was asked for so far
 *   1    unused
 *   2…   one for each place: 0 when it is free, else the number of the seat that has it, and one
 */
const FIRST_PLACE = 2
export const OWNED_PLACES_CELLS = (FIRST_PLACE + MOST_PLACES) / 2

/**
 * Places of which never more are taken than allowed, over all threads. A place says whose it is, so that those of a thread
 * that died are found; a sum would not tell whether the thread had added to it yet.
 */
export class OwnedPlaces {
  readonly #halves: Int32Array
  readonly #at: number
  readonly #owner: number

  /** `at` is the slot's first half. */
  constructor(halves: Int32Array, at: number, seat: number) {
    this.#halves = halves
    this.#at = at
    this.#owner = seat + 1
  }

  /** Takes one, when fewer than `limit` are taken; -1 when not. */
  take(limit: number): number {
    const halves = this.#halves
    const most = this.#raise(limit)
    const first = this.#at + FIRST_PLACE
    for (let place = 0; place < limit; place++) {
      if (glance(halves, first + place) !== 0) continue
      if (Atomics.compareExchange(halves, first + place, 0, this.#owner) !== 0) continue
      if (most <= limit || this.taken <= limit) return place
      // The limit was larger before, and those that were let in then are still there.
      this.giveBack(place)
      return -1
    }
    return -1
  }

  giveBack(place: number): void {
    Atomics.store(this.#halves, this.#at + FIRST_PLACE + place, 0)
  }

  /** How many are taken, by all threads. */
  get taken(): number {
    const first = this.#at + FIRST_PLACE
    const end = first + Atomics.load(this.#halves, this.#at)
    let count = 0
    for (let at = first; at < end; at++) if (Atomics.load(this.#halves, at) !== 0) count++
    return count
  }

  /** Gives back what a thread that died had. */
  clearSeat(seat: number): void {
    for (let place = 0; place < MOST_PLACES; place++) {
      Atomics.compareExchange(this.#halves, this.#at + FIRST_PLACE + place, seat + 1, 0)
    }
  }

  #raise(limit: number): number {
    for (let held = Atomics.load(this.#halves, this.#at); ; ) {
      if (held >= limit) return held
      const found = Atomics.compareExchange(this.#halves, this.#at, held, limit)
      if (found === held) return limit
      held = found
    }
  }
}
