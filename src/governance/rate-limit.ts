/**
 * Rate limits by the generic cell rate algorithm (ITU-T I.371): the state of one limit is one number, the theoretical
 * arrival time of the next request, in microseconds of `monotonicUs`. Each request moves it on by one interval; it may
 * run ahead of the clock by `burst` intervals. One 64-bit compare-and-swap admits or refuses, exact over all threads.
 * A zeroed cell is a limit that nobody has used.
 */
import { cellOf, numberOf } from '../lib/index.ts'

/** What a limit of so many requests per window means to the functions below. */
export interface Rate {
  /** Whole microseconds between two requests at the steady rate. */
  readonly intervalUs: number
  /** How many requests may come at once after a pause. */
  readonly burst: number
}

/** The rate of `limit` (at least 1) requests per window; rounded so that no window at the steady rate admits more. */
export function rateOf(limit: number, windowUs: number): Rate {
  return { intervalUs: Math.max(1, Math.ceil(windowUs / limit)), burst: limit }
}

/** Takes one request: 0 when it is admitted, else the microseconds (> 0) until one would be, with nothing taken. */
export function take(cells: BigInt64Array, index: number, nowUs: number, intervalUs: number, burst: number): number {
  const earliest = (burst - 1) * intervalUs
  // A plain read suffices to take, since the compare-and-swap finds out whether it was so; to refuse it does not.
  let held = cells[index] ?? 0n
  for (let isCertain = false; ; ) {
    const arrivalUs = Math.max(numberOf(held), nowUs)
    const waitUs = arrivalUs - earliest - nowUs
    if (waitUs <= 0) {
      const found = Atomics.compareExchange(cells, index, held, cellOf(arrivalUs + intervalUs))
      if (found === held) return 0
      held = found
    } else {
      if (isCertain) return waitUs
      held = Atomics.load(cells, index)
    }
    isCertain = true
  }
}

/** Gives back what `take` took for a request that was not let through after all. */
export function giveBack(cells: BigInt64Array, index: number, intervalUs: number): void {
  Atomics.sub(cells, index, cellOf(intervalUs))
}

/** What `take` would answer, with nothing taken. */
export function peek(cells: BigInt64Array, index: number, nowUs: number, intervalUs: number, burst: number): number {
  const arrivalUs = Number(Atomics.load(cells, index))
  return Math.max(0, arrivalUs - (burst - 1) * intervalUs - nowUs)
}

/** How many requests would be admitted now, one after the other. */
export function remaining(
  cells: BigInt64Array,
  index: number,
  nowUs: number,
  intervalUs: number,
  burst: number,
): number {
  const aheadUs = Math.max(0, Number(Atomics.load(cells, index)) - nowUs)
  return Math.max(0, Math.floor((burst * intervalUs - aheadUs) / intervalUs))
}

/** What is known of a limit from before a restart, on the monotonic clock of this process (negative before it began). */
export interface RatePast {
  /** The theoretical arrival time as it was saved; null when it was not. */
  readonly arrivalUs: number | null
  /** Admissions since then, ascending. */
  readonly timesUs: Iterable<number>
}

/**
 * Puts a limit where it was before a restart; only before it is in use. It never runs further ahead of the clock than a
 * burst that was used up now, whatever clocks were set to meanwhile.
 */
export function restore(
  cells: BigInt64Array,
  index: number,
  past: RatePast,
  { nowUs, intervalUs, burst }: RestoreAt,
): void {
  let arrivalUs = past.arrivalUs ?? Number.NEGATIVE_INFINITY
  for (const timeUs of past.timesUs) arrivalUs = Math.max(arrivalUs, Math.floor(timeUs)) + intervalUs
  arrivalUs = Math.min(Math.floor(arrivalUs), nowUs + burst * intervalUs)
  if (arrivalUs > 0) Atomics.store(cells, index, BigInt(arrivalUs))
}

export interface RestoreAt extends Rate {
  readonly nowUs: number
}
