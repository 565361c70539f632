/**
 * What a worker has done to the shared counters and its journal does not show yet, kept where control can read it when
 * the worker is dead. One region of 64-bit cells for each worker, in its status block:
 *
 *     journalled   charges of reservations that the segment held when the region was last cleared
 *     segment      sequence number of the segment in use
 *     settled      charges of settlements in that segment that the counters have seen
 *     count        intents that follow
 *     4 × count    state, counter, period, amount
 *
 * The n-th taken intent is the n-th charge that the turn's reserve entries will hold, and the charges of settle entries
 * are applied in the order in which they are written. So two counts tell what is missing, on whichever side of the
 * write the worker died: see `readIntents`.
 *
 * A thread is stopped by V8 at the entry of a function or the back edge of a loop, nowhere else. The updates that
 * belong together (counter and mark) are therefore straight-line code of calls to built-ins: that is why `budget.ts`
 * sets the marks itself, and why those lines must not be factored out.
 */
const JOURNALLED = 0
const SEGMENT = 1
/** Cell of the number of settlement charges applied; for `budget.ts` only. */
export const SETTLED = 2
const COUNT = 3
const HEADER_CELLS = 4

const STATE = 0
const COUNTER = 1
const PERIOD = 2
const AMOUNT = 3
const INTENT_CELLS = 4

/** State of an intent whose amount is not in the counter: not yet, refused, or given back. */
export const PENDING = 0n
/** State of an intent whose amount is in the counter. */
export const TAKEN = 1n

/** Cells that a region of so many intents needs. */
export function intentRegionCells(capacity: number): number {
  return HEADER_CELLS + capacity * INTENT_CELLS
}

/** One reservation that a dead worker took: index of the budget's first cell, period and amount. */
export interface TakenIntent {
  readonly counter: number
  readonly period: number
  readonly amount: number
}

/** What a worker left behind. */
export interface IntentsLeft {
  /** Sequence number of its last segment. */
  readonly segment: number
  /**
   * Of the charges in that segment's reserve entries, in order, those before this number were cleared. When the segment
   * holds `n`, the first `n - journalled` of `taken` are in the journal too; the others are to be given back.
   */
  readonly journalled: number
  /** Of the charges in that segment's settle entries, in order, those before this number are applied. */
  readonly settled: number
  readonly taken: readonly TakenIntent[]
}

/** A worker's own side of its region. Reservations of one turn of the event loop fit, or are refused. */
export class Intents {
  /** The region, for `budget.ts` only. */
  readonly cells: BigInt64Array
  /** Cell of the state of the intent added last, for `budget.ts` only. */
  last = 0
  readonly #capacity: number
  #count = 0

  /** `cells` holds at least `intentRegionCells(capacity)` cells; throws a RangeError otherwise. */
  constructor(cells: BigInt64Array, capacity: number) {
    if (cells.length < intentRegionCells(capacity)) {
      throw new RangeError(`${capacity} intents need ${intentRegionCells(capacity)} cells, not ${cells.length}`)
    }
    this.cells = cells
    this.#capacity = capacity
  }

  /** Announces what is about to be taken; false, with nothing announced, when the region is full. */
  add(counter: number, period: number, amount: number): boolean {
    if (this.#count === this.#capacity) return false
    const state = HEADER_CELLS + this.#count * INTENT_CELLS
    Atomics.store(this.cells, state + STATE, PENDING)
    Atomics.store(this.cells, state + COUNTER, BigInt(counter))
    Atomics.store(this.cells, state + PERIOD, BigInt(period))
    Atomics.store(this.cells, state + AMOUNT, BigInt(amount))
    this.#count++
    Atomics.store(this.cells, COUNT, BigInt(this.#count))
    this.last = state + STATE
    return true
  }

  /** Cell of the state of the latest taken intent with these values, -1 when it has been cleared. */
  findTaken(counter: number, period: number, amount: number): number {
    for (let position = this.#count - 1; position >= 0; position--) {
      const state = HEADER_CELLS + position * INTENT_CELLS
      if (
        Atomics.load(this.cells, state + STATE) === TAKEN &&
        Number(Atomics.load(this.cells, state + COUNTER)) === counter &&
        Number(Atomics.load(this.cells, state + PERIOD)) === period &&
        Number(Atomics.load(this.cells, state + AMOUNT)) === amount
      ) {
        return state
      }
    }
    return -1
  }

  /** Forgets the intents, after the reserve entries of the turn are in the segment, or were given back. */
  clear(): void {
    if (this.#count === 0) return
    let taken = 0n
    for (let position = 0; position < this.#count; position++) {
      if (Atomics.load(this.cells, HEADER_CELLS + position * INTENT_CELLS + STATE) === TAKEN) taken++
    }
    Atomics.add(this.cells, JOURNALLED, taken)
    Atomics.store(this.cells, COUNT, 0n)
    this.#count = 0
  }

  /** Begins with a new, empty segment, when no intent is open and every settlement of the old one is applied. */
  openSegment(sequence: number): void {
    Atomics.store(this.cells, COUNT, 0n)
    Atomics.store(this.cells, JOURNALLED, 0n)
    Atomics.store(this.cells, SETTLED, 0n)
    Atomics.store(this.cells, SEGMENT, BigInt(sequence))
    this.#count = 0
  }
}

/** Reads what a worker left behind; only when it is dead. */
export function readIntents(cells: BigInt64Array): IntentsLeft {
  const taken: TakenIntent[] = []
  const count = Number(Atomics.load(cells, COUNT))
  for (let position = 0; position < count; position++) {
    const state = HEADER_CELLS + position * INTENT_CELLS
    if (Atomics.load(cells, state + STATE) !== TAKEN) continue
    taken.push({
      counter: Number(Atomics.load(cells, state + COUNTER)),
      period: Number(Atomics.load(cells, state + PERIOD)),
      amount: Number(Atomics.load(cells, state + AMOUNT)),
    })
  }
  return {
    segment: Number(Atomics.load(cells, SEGMENT)),
    journalled: Number(Atomics.load(cells, JOURNALLED)),
    settled: Number(Atomics.load(cells, SETTLED)),
    taken,
  }
}
