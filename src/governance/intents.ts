/**
 * What a worker has done to the shared counters and its journal does not show yet, kept where control can read it when
 * the worker is dead. One region of 64-bit numbers for each worker:
 *
 *     journalled   charges of reservations that the segment held when the region was last cleared
 *     segment      sequence number of the segment in use
 *     settled      charges of settlements in that segment that the counters have seen
 *     step, rest   how far the next one has come (see `settle`)
 *     count        intents that follow
 *     4 × count    state, counter, period, amount
 *
 * The n-th taken intent is the n-th charge that the turn's reserve entries will hold, and the charges of settle entries
 * are applied in the order in which they are written. So counts tell what is missing, on whichever side of the write
 * the worker died.
 *
 * V8 stops a thread at the entry of a function, built-in or not, and at the back edge of a loop, nowhere else (1,600
 * workers stopped at random, in all compilers, agree). A plain store right behind an atomic operation is therefore
 * never parted from it: each step of `budget.ts` is one such pair. Plain stores are enough here, since nobody reads a
 * region while its worker lives.
 */
const JOURNALLED = 0
const SEGMENT = 1
/** Cell of the number of settlement charges applied; for `budget.ts` only. */
export const SETTLED = 2
/** Cell of the steps made of the next one; for `budget.ts` only. */
export const STEP = 3
/** Cell of the excess that its steps have still to count; for `budget.ts` only. */
export const REST = 4
const COUNT = 5
const HEADER_CELLS = 6

const COUNTER = 1
const PERIOD = 2
const AMOUNT = 3
const INTENT_CELLS = 4

/** State of an intent whose amount is in no counter: not yet, refused, or given back. */
export const PENDING = 0
/** State of an intent whose amount is in `used` and not in `reserved`: half taken, or half given back. */
export const USED_ONLY = 1
/** State of an intent whose amount is in both. */
export const TAKEN = 2

/** Cells that a region of so many intents needs. */
export function intentRegionCells(capacity: number): number {
  return HEADER_CELLS + capacity * INTENT_CELLS
}

/** One reservation that a dead worker took: index of the budget's first cell, period and amount. */
export interface TakenIntent {
  readonly counter: number
  readonly period: number
  readonly amount: number
  /** `used` when the worker died between the two counters of a budget, and only that one holds the amount. */
  readonly extent: 'whole' | 'used'
}

/** How far a worker came with a settlement: steps done, and the excess that is still to be counted. */
export interface SettleProgress {
  readonly step: number
  readonly rest: number
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
  /** How far the charge after them has come, if the segment holds one. */
  readonly progress: SettleProgress
  readonly taken: readonly TakenIntent[]
}

/** A worker's own side of its region. Reservations of one turn of the event loop fit, or are refused. */
export class Intents {
  /** The region, for `budget.ts` only. */
  readonly cells: Float64Array
  /** Cell of the state of the intent added last, for `budget.ts` only. */
  last = 0
  readonly #capacity: number
  #count = 0

  /** `cells` holds at least `intentRegionCells(capacity)` cells; throws a RangeError otherwise. */
  constructor(cells: Float64Array, capacity: number) {
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
    this.cells[state] = PENDING
    this.cells[state + COUNTER] = counter
    this.cells[state + PERIOD] = period
    this.cells[state + AMOUNT] = amount
    this.#count++
    this.cells[COUNT] = this.#count
    this.last = state
    return true
  }

  /** Cell of the state of the latest taken intent with these values, -1 when it has been cleared. */
  findTaken(counter: number, period: number, amount: number): number {
    for (let state = HEADER_CELLS + (this.#count - 1) * INTENT_CELLS; state >= HEADER_CELLS; state -= INTENT_CELLS) {
      if (
        this.cells[state] === TAKEN &&
        this.cells[state + COUNTER] === counter &&
        this.cells[state + PERIOD] === period &&
        this.cells[state + AMOUNT] === amount
      ) {
        return state
      }
    }
    return -1
  }

  /** Forgets the intents, after the reserve entries of the turn are in the segment, or were given back. */
  clear(): void {
    if (this.#count === 0) return
    let journalled = this.cells[JOURNALLED] ?? 0
    for (let position = 0; position < this.#count; position++) {
      if (this.cells[HEADER_CELLS + position * INTENT_CELLS] === TAKEN) journalled++
    }
    this.cells[JOURNALLED] = journalled
    this.cells[COUNT] = 0
    this.#count = 0
  }

  /** Forgets intents of which nothing is taken: after a refused write, when all was given back. */
  dropPending(): void {
    for (let position = 0; position < this.#count; position++) {
      if (this.cells[HEADER_CELLS + position * INTENT_CELLS] !== PENDING) return
    }
    this.cells[COUNT] = 0
    this.#count = 0
  }

  /** Begins with a new, empty segment, when no intent is open and every settlement of the old one is applied. */
  openSegment(sequence: number): void {
    this.cells[COUNT] = 0
    this.cells[JOURNALLED] = 0
    this.cells[SETTLED] = 0
    this.cells[STEP] = 0
    this.cells[REST] = 0
    this.cells[SEGMENT] = sequence
    this.#count = 0
  }
}

/** Reads what a worker left behind; only when it is dead. */
export function readIntents(cells: Float64Array): IntentsLeft {
  const taken: TakenIntent[] = []
  const count = cells[COUNT] ?? 0
  for (let position = 0; position < count; position++) {
    const state = HEADER_CELLS + position * INTENT_CELLS
    if (cells[state] === PENDING) continue
    taken.push({
      counter: cells[state + COUNTER] ?? 0,
      period: cells[state + PERIOD] ?? 0,
      amount: cells[state + AMOUNT] ?? 0,
      extent: cells[state] === TAKEN ? 'whole' : 'used',
    })
  }
  return {
    segment: cells[SEGMENT] ?? 0,
    journalled: cells[JOURNALLED] ?? 0,
    settled: cells[SETTLED] ?? 0,
    progress: { step: cells[STEP] ?? 0, rest: cells[REST] ?? 0 },
    taken,
  }
}
