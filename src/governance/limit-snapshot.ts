import { MARK_SHIFT, SECRET_CELLS, TIME_MASK, TIMES } from './limit-table.ts'

/** What a limit that runs less far ahead of the clock has used is not worth keeping. */
const WORTH_US = 1_000_000

/** How much was used of the limits in one slot, without any moment in time; fit for JSON. */
export interface LimitSnapshot {
  /** Of a table: the key that its cells were found by, as a decimal number; null for a single limit. */
  readonly secret: string | null
  /** Cell, mark, and by how many microseconds it runs ahead of the clock. */
  readonly used: readonly (readonly [cell: number, mark: number, aheadUs: number])[]
}

export interface LimitPlace {
  readonly index: number
  /** 1, or those of a table. */
  readonly cells: number
}

/** Reads what the limits of a slot have used; null when that is nothing. */
export function readLimits(counters: BigInt64Array, { index, cells }: LimitPlace, nowUs: number): LimitSnapshot | null {
  if (cells === 1) {
    const aheadUs = Number(Atomics.load(counters, index)) - nowUs
    return aheadUs > WORTH_US ? { secret: null, used: [[0, 0, aheadUs]] } : null
  }
  const used: [number, number, number][] = []
  for (let cell = SECRET_CELLS; cell < cells; cell++) {
    const held = BigInt.asUintN(64, Atomics.load(counters, index + cell))
    if (held === 0n) continue
    const aheadUs = (Number(held & TIME_MASK) - (nowUs % TIMES) + TIMES) % TIMES
    if (aheadUs > WORTH_US && aheadUs < TIMES / 2) used.push([cell, Number(held >> MARK_SHIFT), aheadUs])
  }
  return used.length === 0 ? null : { secret: String(Atomics.load(counters, index)), used }
}

/** Puts the limits of a fresh slot where they were, `elapsedUs` later. */
export function writeLimits(
  counters: BigInt64Array,
  { index, cells }: LimitPlace,
  { snapshot, elapsedUs, nowUs }: { snapshot: LimitSnapshot; elapsedUs: number; nowUs: number },
): void {
  const { secret, used } = snapshot
  // A limit that is counted otherwise now begins anew.
  if ((secret === null) !== (cells === 1)) return
  if (secret !== null) Atomics.store(counters, index, BigInt(secret))
  for (const [cell, mark, aheadUs] of used) {
    const left = Math.floor(aheadUs - Math.max(0, elapsedUs))
    if (left <= 0 || cell >= cells) continue
    const arrival = BigInt(cells === 1 ? nowUs + left : (nowUs + left) % TIMES)
    Atomics.store(counters, index + cell, BigInt.asIntN(64, (BigInt(mark) << MARK_SHIFT) | arrival))
  }
}
