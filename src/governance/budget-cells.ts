import { cellAbove, highOf, lowOf } from '../lib/index.ts'

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
const LARGEST_AMOUNT = 2 ** 53 - 1
/** Bits of the amount that are in the upper half of a cell; those of the period are above them. */
const UPPER_BITS = 21
const UPPER_AMOUNTS = 2 ** UPPER_BITS
const HALF = 2 ** 32

/** Index of the first cell of the period's sub-slot. */
export function subSlot(index: number, period: number): number {
  return index + (period % 2) * SUB_SLOT_CELLS
}

/** What stands above the amount in the cells of a period. */
export function tagOf(period: number): number {
  return period % PERIODS
}

/** What a cell with this tag holds. */
export function cellWith(tag: number, amount: number): bigint {
  return cellAbove(tag * UPPER_AMOUNTS, amount)
}

/** The amount in a cell, or -1 when it has another tag, that is, belongs to another period. */
export function amountIn(held: bigint, tag: number): number {
  return highOf(held) >>> UPPER_BITS === tag ? amountOf(held) : -1
}

/** The amount in a cell, whatever its period. */
export function amountOf(held: bigint): number {
  return (highOf(held) & (UPPER_AMOUNTS - 1)) * HALF + lowOf(held)
}

/** The amount in a cell for a reader: 0 when it belongs to another period. */
export function readCell(cells: BigInt64Array, cell: number, tag: number): number {
  return Math.max(0, amountIn(Atomics.load(cells, cell), tag))
}

/**
 * Reads a cell without `Atomics`, at a tenth of its cost: good for a compare-and-swap, which finds out whether it was so. Whoever
 * would do nothing because of what it says reads again with `Atomics.load`.
 */
export function glance(cells: BigInt64Array, cell: number): bigint {
  return cells[cell] ?? 0n
}

/** Adds to a cell, which begins the period when it belonged to another. The atomic operation is the last call in it. */
export function raise(cells: BigInt64Array, cell: number, tag: number, amount: number): void {
  for (let held = glance(cells, cell); ; ) {
    const next = cellWith(tag, Math.max(0, amountIn(held, tag)) + amount)
    const found = Atomics.compareExchange(cells, cell, held, next)
    if (found === held) return
    held = found
  }
}

/**
 * The same for an amount without a limit of its own, which ends at the most that a cell holds: one more would count as a
 * period, and the cell as another period's. The atomic operation is the last call in it.
 */
export function raiseCapped(cells: BigInt64Array, cell: number, tag: number, amount: number): void {
  for (let held = glance(cells, cell); ; ) {
    const sum = Math.max(0, amountIn(held, tag)) + amount
    const found = Atomics.compareExchange(cells, cell, held, cellWith(tag, Math.min(sum, LARGEST_AMOUNT)))
    if (found === held) return
    held = found
  }
}

/** Takes from a cell, unless it belongs to another period. The atomic operation is the last call in it. */
export function lower(cells: BigInt64Array, cell: number, tag: number, amount: number): void {
  if (amount === 0) return
  for (let held = glance(cells, cell); ; ) {
    const now = amountIn(held, tag)
    const found =
      now === -1 ? Atomics.load(cells, cell) : Atomics.compareExchange(cells, cell, held, cellWith(tag, now - amount))
    if (found === held) return
    held = found
  }
}
