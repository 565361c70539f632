import { createCounters } from '../../../lib/index.ts'
import { Available } from '../available.ts'
import type { Random, Seat, Target } from '../contract.ts'
import { type SharedCells, viewCells } from '../shared-cells.ts'
import { TargetState, targetCells } from '../target-state.ts'

export const SEATS = 4

/** A small region of zeroes. */
export function cellsFor(words = 4_096): SharedCells {
  return viewCells(createCounters(words))
}

export function seat(number = 0): Seat {
  return { number, of: SEATS }
}

/** Targets named `t0`, `t1`… with these weights. */
export function targetsOf(...weights: readonly number[]): readonly Target[] {
  return weights.map((weight, at) => ({ id: `http://10.0.0.${at}:80`, weight }))
}

/** The states of so many targets as the thread of a seat sees them, one after the other in the region. */
export function statesOf(cells: SharedCells, count: number, of: Seat = seat()): TargetState[] {
  return Array.from({ length: count }, (_, at) => new TargetState(cells, at * targetCells(SEATS), of))
}

/** All of `size` targets but these. */
export function allBut(size: number, ...missing: readonly number[]): Available {
  const available = new Available(size)
  for (let position = 0; position < size; position++) if (!missing.includes(position)) available.add(position)
  return available
}

/** xorshift: the same numbers in every run. */
export function seeded(seed: number): Random {
  let state = Math.imul(seed, 2_654_435_761) | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 4_294_967_296
  }
}

/** How often each of `size` positions is picked. */
export function tally(size: number, picks: number, pick: (n: number) => number): number[] {
  const counts = Array.from({ length: size }, () => 0)
  for (let n = 0; n < picks; n++) {
    const position = pick(n)
    counts[position] = (counts[position] ?? 0) + 1
  }
  return counts
}
