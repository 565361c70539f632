/**
 * What this replica has borrowed of counters that it shares with others, in shared memory: a request takes from that without asking
 * anybody. A counter's place is beside the one that it has without a cluster:
 *
 *     granted   all that was ever borrowed (of a budget: in the period); only grows
 *     taken     of a rate: all that was ever taken, or given back to the others
 *     returned  of a budget or of concurrency: all that was given back to the others
 *     back      of a rate: what requests did not use after all; negative, what they used beyond
 *     others    what other replicas held when that was last heard
 *
 * What is given back is never taken off `granted`: it is counted as taken, by the same compare-and-swap as a request's. A
 * thread that has read an old `granted` therefore knows too little and never too much. Of a budget or of concurrency
 * what is taken stands where it stands without a cluster (budget-cells.ts, concurrency.ts), what is returned among it.
 *
 * A budget has these cells twice, for the parity of the period's number, and the period's number is in them as in its others.
 */
import { cellOf, numberOf } from '../../lib/index.ts'
import { reserve } from '../budget.ts'
import {
  amountIn,
  amountOf,
  cellWith,
  glance,
  OVERSHOOT,
  RESERVED,
  raise,
  readCell,
  subSlot,
  tagOf,
  USED,
} from '../budget-cells.ts'

export const LEASE_CELLS = 8

const GRANTED = 0
const TAKEN = 1
const RETURNED = 1
const BACK = 2
const OTHERS = 3
const HALF = 4

/** Where the lease of a counter is, and the counter's name among all replicas. */
export interface Lease {
  readonly at: number
  readonly name: string
}

/** How a counter of this replica stands. `granted - returned` is what it holds; negative `idle` is owed. */
export interface LeaseReading {
  readonly held: number
  readonly idle: number
}

function half(at: number, period: number): number {
  return at + (period % 2) * HALF
}

/** Up to where a budget may be used now. */
export function leasedBudget(cells: BigInt64Array, at: number, period: number): number {
  return Math.max(0, amountIn(glance(cells, half(at, period) + GRANTED), tagOf(period)))
}

/** What was given back of a budget, which `used` and `reserved` of its cells both contain. */
export function returnedBudget(cells: BigInt64Array, at: number, period: number): number {
  return readCell(cells, half(at, period) + RETURNED, tagOf(period))
}

/** How many requests may be in flight now. */
export function leasedSeats(cells: BigInt64Array, at: number): number {
  return numberOf(glance(cells, at + GRANTED))
}

export function returnedSeats(cells: BigInt64Array, at: number): number {
  return Number(Atomics.load(cells, at + RETURNED))
}

/** Takes so many units of a rate from what is borrowed; false, and nothing taken, when that is not enough. */
export function takeLeased(cells: BigInt64Array, at: number, units: number): boolean {
  let granted = numberOf(glance(cells, at + GRANTED))
  let held = glance(cells, at + TAKEN)
  for (let isCertain = false; ; ) {
    const next = numberOf(held) + units
    if (next <= granted) {
      const found = Atomics.compareExchange(cells, at + TAKEN, held, cellOf(next))
      if (found === held) return true
      held = found
    } else {
      if (isCertain) return false
      held = Atomics.load(cells, at + TAKEN)
      granted = numberOf(Atomics.load(cells, at + GRANTED))
      isCertain = true
    }
  }
}

/** Gives back what was taken a moment ago for a request that was not let through. */
export function untakeLeased(cells: BigInt64Array, at: number, units: number): void {
  Atomics.sub(cells, at + TAKEN, cellOf(units))
}

/** What a request did not use (or used beyond what it took) long after it took it: it comes back to the rate, not to the lease. */
export function returnLater(cells: BigInt64Array, at: number, units: number): void {
  Atomics.add(cells, at + BACK, cellOf(units))
}

/** What was returned since this was asked last. */
export function drainReturned(cells: BigInt64Array, at: number): number {
  return Number(Atomics.exchange(cells, at + BACK, 0n))
}

export function readRateLease(cells: BigInt64Array, at: number): LeaseReading {
  const idle = Number(Atomics.load(cells, at + GRANTED) - Atomics.load(cells, at + TAKEN))
  return { held: Math.max(0, idle), idle }
}

export function readSeatLease(cells: BigInt64Array, at: number, slot: number): LeaseReading {
  const granted = Atomics.load(cells, at + GRANTED)
  return { held: Number(granted) - returnedSeats(cells, at), idle: Number(granted - Atomics.load(cells, slot)) }
}

export function readBudgetLease(cells: BigInt64Array, at: number, slot: number, period: number): LeaseReading {
  const granted = leasedBudget(cells, at, period)
  const tag = tagOf(period)
  const of = (cell: number) => readCell(cells, subSlot(slot, period) + cell, tag)
  return { held: granted - returnedBudget(cells, at, period), idle: granted - of(USED) - of(OVERSHOOT) }
}

/** Whether a request of this period is still to be settled. */
export function hasOpen(cells: BigInt64Array, at: number, slot: number, period: number): boolean {
  return readCell(cells, subSlot(slot, period) + RESERVED, tagOf(period)) > returnedBudget(cells, at, period)
}

/** More may be used from now on. Only for the thread that borrows. */
export function grantBudget(cells: BigInt64Array, at: number, period: number, amount: number): void {
  raise(cells, half(at, period) + GRANTED, tagOf(period), amount)
}

/** A new period begins with what is counted already: requests find nothing borrowed before. */
export function beginBudget(cells: BigInt64Array, at: number, period: number): void {
  const tag = tagOf(period)
  if (amountIn(Atomics.load(cells, half(at, period) + GRANTED), tag) !== -1) return
  Atomics.store(cells, half(at, period) + RETURNED, cellWith(tag, 0))
  Atomics.store(cells, half(at, period) + OTHERS, cellWith(tag, 0))
  Atomics.store(cells, half(at, period) + GRANTED, cellWith(tag, 0))
}

export function grant(cells: BigInt64Array, at: number, units: number): void {
  Atomics.add(cells, at + GRANTED, BigInt(units))
}

/** Counts so much as taken that nobody uses; false when it is not there any more. */
export function returnBudget(
  cells: BigInt64Array,
  { at, slot, period }: { at: number; slot: number; period: number },
  amount: number,
): boolean {
  if (!reserve(cells, slot, period, amount, leasedBudget(cells, at, period))) return false
  raise(cells, half(at, period) + RETURNED, tagOf(period), amount)
  return true
}

export function returnSeats(cells: BigInt64Array, at: number, slot: number, seats: number): boolean {
  for (let held = Atomics.load(cells, slot); ; ) {
    if (held + BigInt(seats) > Atomics.load(cells, at + GRANTED)) return false
    const found = Atomics.compareExchange(cells, slot, held, held + BigInt(seats))
    if (found === held) break
    held = found
  }
  Atomics.add(cells, at + RETURNED, BigInt(seats))
  return true
}

/** What others hold was heard: for people, and for headers that tell what is left. */
export function noteOthers(cells: BigInt64Array, at: number, period: number | null, amount: number): void {
  const cell = (period === null ? at : half(at, period)) + OTHERS
  const tag = period === null ? 0 : tagOf(period)
  Atomics.store(cells, cell, cellWith(tag, Math.max(0, Math.round(amount))))
}

/** What of a rate was used, or held by others, when that was last heard; in units. */
export function othersOfRate(cells: BigInt64Array, at: number): number {
  return numberOf(glance(cells, at + OTHERS))
}

/** What others held of a budget when that was last heard. */
export function othersOfBudget(cells: BigInt64Array, at: number, period: number): number {
  return readCell(cells, half(at, period) + OTHERS, tagOf(period))
}

/** Whether requests have something of a counter that they are still to give back or settle. */
export function isLeasedTaken(
  cells: BigInt64Array,
  { slot, lease, inFlight }: { readonly slot: number; readonly lease: number; readonly inFlight: boolean },
): boolean {
  if (inFlight) return Number(Atomics.load(cells, slot)) > returnedSeats(cells, lease)
  return [0, 1].some((parity) => {
    const reserved = amountOf(Atomics.load(cells, subSlot(slot, parity) + RESERVED))
    return reserved > amountOf(Atomics.load(cells, half(lease, parity) + RETURNED))
  })
}
