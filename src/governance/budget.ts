import { type Intents, PENDING, SETTLED, TAKEN } from './intents.ts'

/**
 * One budget in shared memory, exact over all threads. Eight cells, two sub-slots of four, so that the period that ends
 * and the one that begins have one each (the parity of the period's number decides):
 *
 *     tag         period number + 1; 0 never used, -1 being reset
 *     used        spent + reserved, at most the limit
 *     reserved    taken and not settled
 *     overshoot   what upstreams used beyond their reservation where the limit left no room
 *
 * `used + overshoot` is always the sum of what was settled and what is open, and both count when room is looked for.
 *
 * No reader sees `used` or `spent` above the limit: `used` grows only by a compare-and-swap that has checked the limit;
 * `reserved` grows after `used` and shrinks before it, so that it is never negative nor above `used`, and
 * `spent = used - reserved` is at most `used`.
 *
 * Amounts and limits are safe integers; the cells are 64 bits. Whoever passes `intents` has the mark set in the same
 * straight line as the counter (see `intents.ts`): keep it free of calls to functions of ours, and of loops.
 */
export const BUDGET_CELLS = 8

const TAG = 0
const USED = 1
const RESERVED = 2
const OVERSHOOT = 3
const SUB_SLOT_CELLS = 4

const RESETTING = -1n
/** Another thread needs nanoseconds to reset a sub-slot, or a time slice when it loses its core. */
const MAX_SPINS = 100_000_000

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

/**
 * Takes the amount if the limit leaves room for it; false, with nothing taken, if not. The first to reserve in a new
 * period begins it at zero. With `intents`, the intent added last is marked as taken.
 */
export function reserve(
  cells: BigInt64Array,
  index: number,
  period: number,
  amount: number,
  limit: number,
  intents: Intents | null = null,
): boolean {
  if (!(amount >= 0)) throw new RangeError(`an amount is a whole number of at least 0, not ${amount}`)
  const slot = claim(cells, index, period)
  const taken = BigInt(amount)
  for (let held = Atomics.load(cells, slot + USED); ; ) {
    const next = Number(held) + amount
    if (next + Number(Atomics.load(cells, slot + OVERSHOOT)) > limit) return false
    const found = Atomics.compareExchange(cells, slot + USED, held, held + taken)
    if (found === held) {
      Atomics.add(cells, slot + RESERVED, taken)
      if (intents !== null) Atomics.store(intents.cells, intents.last, TAKEN)
      return true
    }
    held = found
  }
}

/** Returns a reservation that was never used; with `intents`, its intent is marked as not taken. */
export function giveBack(
  cells: BigInt64Array,
  index: number,
  period: number,
  amount: number,
  intents: Intents | null = null,
): void {
  const slot = find(cells, index, period)
  const mark = intents === null ? -1 : intents.findTaken(index, period, amount)
  const returned = BigInt(amount)
  if (slot !== -1) {
    Atomics.sub(cells, slot + RESERVED, returned)
    Atomics.sub(cells, slot + USED, returned)
  }
  if (intents !== null && mark !== -1) Atomics.store(intents.cells, mark, PENDING)
}

/**
 * Replaces a reservation by what was really used. What exceeds both the reservation and the limit goes to the overshoot.
 * Ignored when the period's sub-slot belongs to a later period by now. With `intents`, counts as one applied charge.
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
  if (!(actual >= 0)) throw new RangeError(`an amount is a whole number of at least 0, not ${actual}`)
  const slot = find(cells, index, period)
  const returned = BigInt(reserved)
  const difference = reserved - actual
  if (slot === -1) {
    if (intents !== null) Atomics.add(intents.cells, SETTLED, 1n)
  } else if (difference >= 0) {
    const unused = BigInt(difference)
    Atomics.sub(cells, slot + RESERVED, returned)
    Atomics.sub(cells, slot + USED, unused)
    if (intents !== null) Atomics.add(intents.cells, SETTLED, 1n)
  } else {
    for (let held = Atomics.load(cells, slot + USED); ; ) {
      const room = limit - Number(held) - Number(Atomics.load(cells, slot + OVERSHOOT))
      const within = Math.max(0, Math.min(-difference, room))
      const found = Atomics.compareExchange(cells, slot + USED, held, held + BigInt(within))
      if (found === held) {
        Atomics.add(cells, slot + OVERSHOOT, BigInt(-difference - within))
        Atomics.sub(cells, slot + RESERVED, returned)
        if (intents !== null) Atomics.add(intents.cells, SETTLED, 1n)
        return
      }
      held = found
    }
  }
}

/** Turns a reservation whose outcome was lost into spending of the full amount. */
export function closeOpen(cells: BigInt64Array, index: number, period: number, amount: number): void {
  const slot = find(cells, index, period)
  if (slot !== -1) Atomics.sub(cells, slot + RESERVED, BigInt(amount))
}

/** Sets what was spent in a period before this process began; only before the budget is in use. */
export function restore(cells: BigInt64Array, index: number, period: number, spent: number, limit: number): void {
  const slot = claim(cells, index, period)
  const used = Math.min(spent, limit)
  Atomics.store(cells, slot + USED, BigInt(used))
  Atomics.store(cells, slot + OVERSHOOT, BigInt(spent - used))
}

/** What a period has used; zeros for one that nobody has begun, or whose sub-slot belongs to another period by now. */
export function read(cells: BigInt64Array, index: number, period: number): BudgetReading {
  const slot = find(cells, index, period)
  if (slot === -1) return { used: 0, reserved: 0, spent: 0, overshoot: 0 }
  const used = Number(Atomics.load(cells, slot + USED))
  const reserved = Number(Atomics.load(cells, slot + RESERVED))
  const overshoot = Number(Atomics.load(cells, slot + OVERSHOOT))
  if (find(cells, index, period) === -1) return { used: 0, reserved: 0, spent: 0, overshoot: 0 }
  // Two cells are not read in one moment: a reservation may have come between.
  return { used, reserved, spent: Math.max(0, used - reserved), overshoot }
}

/**
 * Reserves from every budget, in the order given (the tightest first, so that a refusal costs least), or from none.
 * Answers `ALL_RESERVED`, the position of the charge that was refused, or `INTENTS_FULL`.
 */
export function reserveAll(cells: BigInt64Array, charges: readonly Charge[], intents: Intents | null = null): number {
  for (const [position, charge] of charges.entries()) {
    const { index, period, amount, limit } = charge
    const announced = intents === null || intents.add(index, period, amount)
    if (announced && reserve(cells, index, period, amount, limit, intents)) continue
    for (const taken of charges.slice(0, position).reverse()) {
      giveBack(cells, taken.index, taken.period, taken.amount, intents)
    }
    return announced ? position : INTENTS_FULL
  }
  return ALL_RESERVED
}

/** The first cell of the period's sub-slot, or -1 when it is not the period's (any more). */
function find(cells: BigInt64Array, index: number, period: number): number {
  const slot = index + (period % 2) * SUB_SLOT_CELLS
  return Number(Atomics.load(cells, slot + TAG)) === period + 1 ? slot : -1
}

/**
 * The first cell of the period's sub-slot, which is reset when it holds another period. Also when that is a later one:
 * then the clock has been set back by two periods or more, and a limit that starts anew is better than one that
 * refuses until the wrong time comes round again.
 */
function claim(cells: BigInt64Array, index: number, period: number): number {
  const slot = index + (period % 2) * SUB_SLOT_CELLS
  const tag = BigInt(period + 1)
  for (let spins = 0; spins < MAX_SPINS; spins++) {
    const held = Atomics.load(cells, slot + TAG)
    if (held === tag) return slot
    if (held === RESETTING) continue
    if (Atomics.compareExchange(cells, slot + TAG, held, RESETTING) === held) {
      Atomics.store(cells, slot + USED, 0n)
      Atomics.store(cells, slot + RESERVED, 0n)
      Atomics.store(cells, slot + OVERSHOOT, 0n)
      Atomics.store(cells, slot + TAG, tag)
      return slot
    }
  }
  throw new Error(`budget at cell ${index}: the thread that began period ${period} has not finished`)
}
