import type { Seat } from './contract.ts'
import { glance } from './shared-cells.ts'

/*
 * A ring of buckets for each seat; a bucket is the number of its span of time, attempts, failures. Only the seat's own
 * thread writes its row, so that counting needs no loop and a thread's death loses nothing; readers add up all rows.
 */
const BUCKETS = 8
const FIELDS = 3
const ROW = BUCKETS * FIELDS

/** Words that the rows of all seats take. */
export function windowCells(seats: number): number {
  return (seats * ROW) / 2
}

/** Attempts and failures of the last while: a window that slides in eighths of its length. */
export class FailureWindow {
  readonly #halves: Int32Array
  readonly #first: number
  readonly #own: number
  readonly #end: number
  readonly #bucketMs: number
  /** What `sum` found. */
  attempts = 0
  failures = 0

  /** `first` is the position of the first row among the halves. */
  constructor(halves: Int32Array, first: number, options: { seat: Seat; windowMs: number }) {
    this.#halves = halves
    this.#first = first
    this.#own = first + options.seat.number * ROW
    this.#end = first + options.seat.of * ROW
    this.#bucketMs = Math.max(1, options.windowMs / BUCKETS)
  }

  /** Counts one attempt. */
  add(nowMs: number, outcome: 'success' | 'failure' | 'down'): void {
    const halves = this.#halves
    const span = this.#spanOf(nowMs)
    const bucket = this.#own + (span % BUCKETS) * FIELDS
    if (glance(halves, bucket) !== span) {
      // Emptied before it is named: a reader takes it for an old one until then.
      Atomics.store(halves, bucket + 1, 0)
      Atomics.store(halves, bucket + 2, 0)
      Atomics.store(halves, bucket, span)
    }
    Atomics.add(halves, bucket + 1, 1)
    if (outcome !== 'success') Atomics.add(halves, bucket + 2, 1)
  }

  /** Adds up what all seats counted within the window and after `sinceMs`, whose own bucket is left out. */
  sum(nowMs: number, sinceMs: number): void {
    const halves = this.#halves
    const newest = this.#spanOf(nowMs)
    const before = Math.max(newest - BUCKETS, sinceMs > 0 ? this.#spanOf(sinceMs) : 0)
    this.attempts = 0
    this.failures = 0
    for (let bucket = this.#first; bucket < this.#end; bucket += FIELDS) {
      const span = Atomics.load(halves, bucket)
      if (span <= before || span > newest) continue
      this.attempts += Atomics.load(halves, bucket + 1)
      this.failures += Atomics.load(halves, bucket + 2)
    }
  }

  /** From 1, since a fresh cell is 0. A 32-bit number: six years of the shortest window that makes sense, a second. */
  #spanOf(nowMs: number): number {
    return Math.floor(nowMs / this.#bucketMs) + 1
  }
}
