/**
 * How many requests of a level are in flight, exact over all threads. A level's slot holds the sum and, behind it, one cell
 * for the seat of each worker with what that worker added: it is taken off again when the thread has died.
 *
 *     sum | seat 0 | seat 1 | …
 *
 * V8 stops a thread at the entry of a function and at the back edge of a loop, nowhere else (see intents.ts): the plain store
 * of a seat's cell right behind the atomic operation on the sum is never parted from it.
 */
import { cellOf, numberOf } from '../lib/index.ts'
import type { ConcurrencyDocument } from './level-document.ts'

/** Cells of one level, for so many seats. */
export function concurrencyCells(seats: number): number {
  return 1 + seats
}

/** Answer of `occupyAll` when every level has room. */
export const ALL_OCCUPIED = -1

/** Counts a request on every level, or on none: answers the position of the level that is full, or `ALL_OCCUPIED`. */
export function occupyAll(cells: BigInt64Array, levels: readonly ConcurrencyDocument[], seat: number): number {
  for (let at = 0; at < levels.length; at++) {
    const { slot, limit } = levels[at] as ConcurrencyDocument // in range
    if (occupy(cells, slot, limit, seat)) continue
    for (let taken = at - 1; taken >= 0; taken--) vacate(cells, (levels[taken] as ConcurrencyDocument).slot, seat) // as above
    return at
  }
  return ALL_OCCUPIED
}

/** The request has ended. */
export function vacateAll(cells: BigInt64Array, levels: readonly ConcurrencyDocument[], seat: number): void {
  for (const { slot } of levels) vacate(cells, slot, seat)
}

/** Requests in flight on a level. */
export function occupied(cells: BigInt64Array, slot: number): number {
  return Number(Atomics.load(cells, slot))
}

/** Takes off what a worker had in flight whose thread has ended. */
export function clearSeat(cells: BigInt64Array, slot: number, seat: number): void {
  const left = Atomics.exchange(cells, slot + 1 + seat, 0n)
  if (left !== 0n) Atomics.sub(cells, slot, left)
}

/** Counts a request on one level; false when that is full. */
export function occupy(cells: BigInt64Array, slot: number, limit: number, seat: number): boolean {
  const own = slot + 1 + seat
  const next = cellOf(numberOf(cells[own] ?? 0n) + 1)
  let held = cells[slot] ?? 0n
  // A plain read suffices to enter, since the compare-and-swap finds out whether it was so; to refuse it does not.
  for (let isCertain = false; ; ) {
    const inFlight = numberOf(held)
    if (inFlight < limit) {
      const found = Atomics.compareExchange(cells, slot, held, cellOf(inFlight + 1))
      if (found === held) {
        cells[own] = next
        return true
      }
      held = found
    } else {
      if (isCertain) return false
      held = Atomics.load(cells, slot)
    }
    isCertain = true
  }
}

/** A request on one level has ended. */
export function vacate(cells: BigInt64Array, slot: number, seat: number): void {
  const own = slot + 1 + seat
  const next = cellOf(numberOf(cells[own] ?? 0n) - 1)
  Atomics.sub(cells, slot, 1n)
  cells[own] = next
}
