/**
 * Budgets in shared memory, exact over all threads: reserve before dispatch, settle after.
 *
 * `used + overshoot` is always the sum of what was settled and what is open, and both count when room is looked for.
 * No reader sees `used` or `spent` above the limit: `used` grows only by a compare-and-swap that has checked the limit;
 * `reserved` grows after `used` and shrinks before it, so that it is neither negative nor above `used`, and
 * `spent = used - reserved` is at most `used`.
 *
 * Amounts and limits are safe integers, whose type is number: a BigInt is made where a cell is written, no earlier. A request has
 * room by what a plain read says, since the compare-and-swap finds out whether it was so; it is refused by atomic reads alone.
 * Whoever passes `intents` has each step marked in the statement behind its atomic operation. The pair must stay one:
 * nothing that is a call may come between (see `intents.ts`, and `intents.threads.test.ts` for the proof).
 */
import {
  amountIn,
  amountOf,
  cellWith,
  glance,
  lower,
  OVERSHOOT,
  RESERVED,
  raise,
  raiseCapped,
  readCell,
  subSlot,
  tagOf,
  USED,
  WARNED,
} from './budget-cells.ts'
import {
  type Intents,
  PENDING,
  REST,
  SETTLED,
  type SettleProgress,
  STEP,
  TAKEN,
  type TakenIntent,
  USED_ONLY,
} from './intents.ts'

export { BUDGET_CELLS } from './budget-cells.ts'

/** One budget's share of a reservation. */
export interface Charge {
  /** Index of the budget's first cell. */
  readonly index: number
  readonly period: number
  readonly amount: number
  readonly limit: number
}

/** A budget as a reader sees it; `spent` and `used` are at most the limit, `overshoot` is what was spent beyond it. */
export interface BudgetReading {
  readonly used: number
  readonly reserved: number
  readonly spent: number
  readonly overshoot: number
}

/** Answer of `reserveAll` when everything was taken. */
export const ALL_RESERVED = -1
/** Answer of `reserveAll` when the worker's region of intents has no room: nothing was taken, try in the next turn. */
export const INTENTS_FULL = -2

const FROM_THE_BEGINNING: SettleProgress = { step: 0, rest: 0 }

/**
 * Takes the amount if the limit leaves room for it; false, with nothing taken, if not. The first to reserve in a new
 * period begins it at zero; so does one whose clock was set back by two periods or more, because a limit that starts
 * anew is better than one that refuses until the wrong time comes round again. With `intents`, the intent added last
 * is marked as taken. Throws a RangeError when the amount is no whole number of at least 0.
 */
export function reserve(
  cells: BigInt64Array,
  index: number,
  period: number,
  amount: number,
  limit: number,
  intents: Intents | null = null,
): boolean {
  checkAmount(amount)
  const slot = subSlot(index, period)
  const tag = tagOf(period)
  let held = glance(cells, slot + USED)
  let overshoot = Math.max(0, amountIn(glance(cells, slot + OVERSHOOT), tag))
  for (let isCertain = false; ; ) {
    const sum = Math.max(0, amountIn(held, tag)) + amount
    if (sum + overshoot <= limit) {
      const found = Atomics.compareExchange(cells, slot + USED, held, cellWith(tag, sum))
      if (found === held) break
      held = found
    } else {
      if (isCertain) return false
      held = Atomics.load(cells, slot + USED)
    }
    overshoot = readCell(cells, slot + OVERSHOOT, tag)
    isCertain = true
  }
  if (intents !== null) intents.cells[intents.last] = USED_ONLY
  raise(cells, slot + RESERVED, tag, amount)
  if (intents !== null) intents.cells[intents.last] = TAKEN
  return true
}

/** Returns a reservation that was never used; with `intents`, its intent is marked as not taken. */
export function giveBack(
  cells: BigInt64Array,
  index: number,
  period: number,
  amount: number,
  intents: Intents | null = null,
): void {
  const slot = subSlot(index, period)
  const tag = tagOf(period)
  const mark = intents === null ? -1 : intents.findTaken(index, period, amount)
  lower(cells, slot + RESERVED, tag, amount)
  if (intents !== null && mark !== -1) intents.cells[mark] = USED_ONLY
  lower(cells, slot + USED, tag, amount)
  if (intents !== null && mark !== -1) intents.cells[mark] = PENDING
}

/** Returns what a dead worker took and did not journal. */
export function giveBackLeft(cells: BigInt64Array, left: TakenIntent): void {
  const slot = subSlot(left.counter, left.period)
  const tag = tagOf(left.period)
  if (left.extent === 'whole') lower(cells, slot + RESERVED, tag, left.amount)
  lower(cells, slot + USED, tag, left.amount)
}

/**
 * Replaces a reservation by what was really used. What exceeds both the reservation and the limit goes to the overshoot.
 * Ignored when the period's sub-slot belongs to a later period by now. With `intents`, counts as one applied charge.
 * Throws a RangeError when the actual amount is no whole number of at least 0.
 */
export function settle(
  cells: BigInt64Array,
  index: number,
  period: number,
  reserved: number,
  actual: number,
  limit: number,
  intents: Intents | null = null,
): void {
  settleFrom(cells, { index, period, amount: reserved, limit }, actual, FROM_THE_BEGINNING, intents?.cells ?? null)
}

/** Completes the settlement in which a worker died: `charge` holds the reserved amount. */
export function finishSettle(cells: BigInt64Array, charge: Charge, actual: number, progress: SettleProgress): void {
  settleFrom(cells, charge, actual, progress, null)
}

/** Steps: 1 out of reserved, 2 the excess into used as far as the limit has room, 3 the difference or the rest. */
function settleFrom(
  cells: BigInt64Array,
  charge: Charge,
  actual: number,
  progress: SettleProgress,
  marks: Float64Array | null,
): void {
  checkAmount(actual)
  const { period, amount, limit } = charge
  const slot = subSlot(charge.index, period)
  const tag = tagOf(period)
  const difference = amount - actual
  let { rest } = progress
  const settled = marks === null ? 0 : (marks[SETTLED] ?? 0) + 1
  if (progress.step < 1) {
    lower(cells, slot + RESERVED, tag, amount)
    if (marks !== null) marks[STEP] = 1
  }
  if (difference >= 0) {
    lower(cells, slot + USED, tag, difference)
  } else {
    if (progress.step < 2) {
      rest = raiseWithin(cells, slot, tag, -difference, limit)
      if (marks !== null) {
        marks[REST] = rest
        marks[STEP] = 2
      }
    }
    if (rest > 0) raiseCapped(cells, slot + OVERSHOOT, tag, rest)
  }
  if (marks !== null) {
    marks[SETTLED] = settled
    marks[STEP] = 0
  }
}

/** Raises `used` as far as the limit has room and answers the rest; 0 when the cell belongs to another period. */
function raiseWithin(cells: BigInt64Array, slot: number, tag: number, excess: number, limit: number): number {
  for (let held = Atomics.load(cells, slot + USED); ; ) {
    const used = amountIn(held, tag)
    if (used === -1) return 0
    const room = limit - used - readCell(cells, slot + OVERSHOOT, tag)
    const within = Math.max(0, Math.min(excess, room))
    const next = cellWith(tag, used + within)
    const rest = excess - within
    const found = Atomics.compareExchange(cells, slot + USED, held, next)
    if (found === held) return rest
    held = found
  }
}

/** Turns a reservation whose outcome was lost into spending of the full amount. */
export function closeOpen(cells: BigInt64Array, index: number, period: number, amount: number): void {
  lower(cells, subSlot(index, period) + RESERVED, tagOf(period), amount)
}

/**
 * Takes back what was charged in advance and is not owed any more: from the overshoot first, since what was used since then
 * may have gone there for want of room. Nothing below what is open or zero; ignored when the period is over.
 */
export function takeBack(cells: BigInt64Array, index: number, period: number, amount: number): void {
  checkAmount(amount)
  const slot = subSlot(index, period)
  const tag = tagOf(period)
  const rest = amount - lowerDownTo(cells, slot + OVERSHOOT, tag, amount, 0)
  lowerDownTo(cells, slot + USED, tag, rest, readCell(cells, slot + RESERVED, tag))
}

/** Answers how much was taken. */
function lowerDownTo(cells: BigInt64Array, cell: number, tag: number, amount: number, floor: number): number {
  for (let held = Atomics.load(cells, cell); ; ) {
    const now = amountIn(held, tag)
    const taken = Math.min(amount, Math.max(0, now - floor))
    if (taken === 0) return 0
    const found = Atomics.compareExchange(cells, cell, held, cellWith(tag, now - taken))
    if (found === held) return taken
    held = found
  }
}

/** Sets what was spent in a period before this process began; only before the budget is in use. */
export function restore(cells: BigInt64Array, index: number, period: number, spent: number, limit: number): void {
  checkAmount(spent)
  const slot = subSlot(index, period)
  const tag = tagOf(period)
  const used = Math.min(spent, limit)
  Atomics.store(cells, slot + USED, cellWith(tag, used))
  Atomics.store(cells, slot + OVERSHOOT, cellWith(tag, spent - used))
  // What was passed before was told before.
  Atomics.store(cells, slot + WARNED, cellWith(tag, limit === 0 ? 100 : Math.floor((used / limit) * 100)))
}

/**
 * Counts what was spent while the budget was not in force, so that it begins anew with all of its period: raises what
 * was spent to this amount where it is less. What is open stays open.
 */
export function restoreAtLeast(
  cells: BigInt64Array,
  index: number,
  period: number,
  spent: number,
  limit: number,
): void {
  checkAmount(spent)
  const slot = subSlot(index, period)
  const tag = tagOf(period)
  const { used, reserved, overshoot } = read(cells, index, period)
  const missing = spent - (used - reserved + overshoot)
  if (missing <= 0) return
  raise(cells, slot + USED, tag, 0)
  const rest = raiseWithin(cells, slot, tag, missing, limit)
  if (rest > 0) raiseCapped(cells, slot + OVERSHOOT, tag, rest)
}

/** What a period has used; zeros for one that nobody has begun, or whose sub-slot belongs to another period by now. */
export function read(cells: BigInt64Array, index: number, period: number): BudgetReading {
  const slot = subSlot(index, period)
  const tag = tagOf(period)
  const used = readCell(cells, slot + USED, tag)
  const reserved = readCell(cells, slot + RESERVED, tag)
  const overshoot = readCell(cells, slot + OVERSHOOT, tag)
  // The cells are not read in one moment: a reservation may have come between.
  return { used, reserved, spent: Math.max(0, used - reserved), overshoot }
}

/** Whether anything is reserved, in whatever period: then somebody is still to settle it. */
export function hasReserved(cells: BigInt64Array, index: number): boolean {
  return [0, 1].some((period) => {
    const held = Atomics.load(cells, subSlot(index, period) + RESERVED)
    return amountOf(held) !== 0
  })
}

/**
 * Reserves from every budget, in the order given (the tightest first, so that a refusal costs least), or from none.
 * Answers `ALL_RESERVED`, the position of the charge that was refused, or `INTENTS_FULL`.
 */
export function reserveAll(cells: BigInt64Array, charges: readonly Charge[], intents: Intents | null = null): number {
  let position = 0
  for (const { index, period, amount, limit } of charges) {
    const announced = intents === null || intents.add(index, period, amount)
    if (!announced || !reserve(cells, index, period, amount, limit, intents)) {
      for (const taken of charges.slice(0, position).reverse()) {
        giveBack(cells, taken.index, taken.period, taken.amount, intents)
      }
      return announced ? position : INTENTS_FULL
    }
    position++
  }
  return ALL_RESERVED
}

function checkAmount(amount: number): void {
  if (amount >= 0 && Number.isSafeInteger(amount)) return
  throw new RangeError(`an amount is a whole number of at least 0, not ${amount}`)
}
