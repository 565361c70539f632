/**
 * The cells of one budget in shared memory. Two sub-slots, so that the period that ends and the one that begins have
 * one each (the parity of the period's number decides); in each of them:
 *
 *     used        spent + reserved, at most the limit
 *     reserved    taken and not settled
 *     overshoot   what upstreams used beyond their reservation where the limit left no room
 *     warned      the percentage up to which thresholds have been told
 *
 * A cell holds the amount in its lower 53 bits and the period's number modulo 1024 above: one compare-and-swap sees
 * both. Whoever first adds to a cell in a new period thereby begins it at zero; there is no moment in which a cell is
 * being reset, nothing to wait for when a thread dies, and what comes too late for its period finds the cell taken.
 * (1024 periods are nearly three years of days in the life of one process.)
 */
export const BUDGET_CELLS = 8

/** Place of the sum of spent and reserved in a sub-slot. */
export const USED = 0
/** Place of what is taken and not settled. */
export const RESERVED = 1
/** Place of what was spent beyond the limit. */
export const OVERSHOOT = 2

/** Place of the percentage up to which thresholds have been told. */
export const WARNED = 3

const SUB_SLOT_CELLS = 4
const PERIODS = 1024
const AMOUNTS = 2 ** 53
const LARGEST_AMOUNT = 2n ** 53n - 1n

/** Index of the first cell of the period's sub-slot. */
export function subSlot(index: number, period: number): number {
  return index + (period % 2) * SUB_SLOT_CELLS
}

/** What cells hold by their period when their amount is zero: made once, since every request needs some. */
const EMPTY: (bigint | undefined)[] = new Array(PERIODS).fill(undefined)

/** What a cell of this period holds when its amount is zero. */
export function emptyOf(period: number): bigint {
  const at = period % PERIODS
  const known = EMPTY[at]
  if (known !== undefined) return known
  const empty = BigInt(at * AMOUNTS)
  EMPTY[at] = empty
  return empty
}

/** The amount in a cell, or -1 when it belongs to another period than `empty` does. */
export function amountIn(held: bigint, empty: bigint): number {
  const amount = Number(held - empty)
  return amount >= 0 && amount < AMOUNTS ? amount : -1
}

/** The amount in a cell, whatever its period. */
export function amountOf(held: bigint): bigint {
  return held & LARGEST_AMOUNT
}

/** The amount in a cell for a reader: 0 when it belongs to another period. */
export function readCell(cells: BigInt64Array, cell: number, empty: bigint): number {
  return Math.max(0, amountIn(Atomics.load(cells, cell), empty))
}

/** Adds to a cell, which begins the period when it belonged to another. The atomic operation is the last call in it. */
export function raise(cells: BigInt64Array, cell: number, empty: bigint, amount: bigint): void {
  for (let held = Atomics.load(cells, cell); ; ) {
    const next = (amountIn(held, empty) === -1 ? empty : held) + amount
    const found = Atomics.compareExchange(cells, cell, held, next)
    if (found === held) return
    held = found
  }
}

/**
 * The same for an amount without a limit of its own, which ends at the most that a cell holds: one more would count as a
 * period, and the cell as another period's. The atomic operation is the last call in it.
 */
export function raiseCapped(cells: BigInt64Array, cell: number, empty: bigint, amount: bigint): void {
  const most = empty + LARGEST_AMOUNT
  for (let held = Atomics.load(cells, cell); ; ) {
    const sum = (amountIn(held, empty) === -1 ? empty : held) + amount
    const found = Atomics.compareExchange(cells, cell, held, sum > most ? most : sum)
    if (found === held) return
    held = found
  }
}

/** Takes from a cell, unless it belongs to another period. The atomic operation is the last call in it. */
export function lower(cells: BigInt64Array, cell: number, empty: bigint, amount: bigint): void {
  for (let held = Atomics.load(cells, cell); amountIn(held, empty) !== -1; ) {
    const found = Atomics.compareExchange(cells, cell, held, held - amount)
    if (found === held) return
    held = found
  }
}
