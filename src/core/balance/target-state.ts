import type { Seat } from './contract.ts'
import { type HealthRules, isUnhealthy, nextHealth } from './health-state.ts'
import { glance, lowerHalf, packWord, type SharedCells, timeOf } from './shared-cells.ts'

/*
 * A target's slot, in words:
 *
 *   0    ejection: until when │ 8 bits: ejections in a row, 1 bit: ejected
 *   1    halves: active health │ failures in a row
 *   2    when an active check last passed
 *   3…   halves: requests in flight, one for each seat
 */
const FIXED_WORDS = 3
const EJECTED = 1
const MAX_EJECTIONS = 255

/** Words of a target's slot. */
export function targetCells(seats: number): number {
  return FIXED_WORDS + Math.ceil(seats / 2)
}

/** What all threads know of one target of one pool, whichever route a request took. */
export class TargetState {
  readonly #cells: SharedCells
  readonly #word: number
  readonly #ejection: number
  readonly #health: number
  readonly #failures: number
  readonly #firstSeat: number
  readonly #ownSeat: number
  readonly #seats: number

  /** `index` is the slot's first word. */
  constructor(cells: SharedCells, index: number, seat: Seat) {
    this.#cells = cells
    this.#word = index
    this.#ejection = lowerHalf(index)
    this.#health = (index + 1) * 2
    this.#failures = this.#health + 1
    this.#firstSeat = (index + FIXED_WORDS) * 2
    this.#ownSeat = this.#firstSeat + seat.number
    this.#seats = seat.of
  }

  /** Requests in flight, in all threads. */
  get inFlight(): number {
    const { halves } = this.#cells
    let sum = 0
    for (let seat = 0; seat < this.#seats; seat++) sum += glance(halves, this.#firstSeat + seat)
    return sum
  }

  /** A request of this thread is on its way to the target. */
  begin(): void {
    Atomics.add(this.#cells.halves, this.#ownSeat, 1)
  }

  /** It is over. */
  end(): void {
    Atomics.sub(this.#cells.halves, this.#ownSeat, 1)
  }

  /** Forgets what a dead thread had in flight. */
  clearSeat(seat: number): void {
    Atomics.store(this.#cells.halves, this.#firstSeat + seat, 0)
  }

  /** The slot is another target's from now on: verdicts on the last one do not count. */
  forget(): void {
    Atomics.store(this.#cells.words, this.#word, 0n)
    Atomics.store(this.#cells.words, this.#word + 2, 0n)
    Atomics.store(this.#cells.halves, this.#health, 0)
    Atomics.store(this.#cells.halves, this.#failures, 0)
  }

  /** Active checks say that it does not work. */
  get unhealthy(): boolean {
    return isUnhealthy(glance(this.#cells.halves, this.#health))
  }

  /** When an active check last passed that left it healthy; 0 when none did. */
  get passedAtMs(): number {
    return timeOf(Atomics.load(this.#cells.words, this.#word + 2))
  }

  /**
   * Enters the result of an active check; true when the verdict changed. Only the thread that probes may call it. A
   * target that failed checks and passes them again is back: its ejection ends.
   */
  enterCheck(passed: boolean, rules: HealthRules, nowMs: number): boolean {
    const { words, halves } = this.#cells
    const held = Atomics.load(halves, this.#health)
    const next = nextHealth(held, passed, rules)
    if (next !== held) Atomics.store(halves, this.#health, next)
    if (passed && !isUnhealthy(next)) {
      Atomics.store(words, this.#word + 2, packWord(nowMs, 0))
      if (next !== held) this.takeBack()
    }
    return isUnhealthy(held) !== isUnhealthy(next)
  }

  /** It works again: its ejection ends. */
  takeBack(): void {
    const word = Atomics.load(this.#cells.words, this.#word)
    Atomics.compareExchange(this.#cells.words, this.#word, word, word & ~BigInt(EJECTED))
    this.clearFailures()
  }

  /** Counts a failed request: how many in a row there are now, over all threads. */
  addFailure(): number {
    return Atomics.add(this.#cells.halves, this.#failures, 1) + 1
  }

  /** A request went well, or counting begins anew. */
  clearFailures(): void {
    if (glance(this.#cells.halves, this.#failures) !== 0) Atomics.store(this.#cells.halves, this.#failures, 0)
  }

  isEjected(nowMs: number): boolean {
    return this.ejectedForMs(nowMs) > 0
  }

  /** Milliseconds that its ejection lasts yet; 0 when it is not ejected. */
  ejectedForMs(nowMs: number): number {
    if ((glance(this.#cells.halves, this.#ejection) & EJECTED) === 0) return 0
    const { words } = this.#cells
    const word = Atomics.load(words, this.#word)
    const leftMs = timeOf(word) - nowMs
    if (leftMs > 0) return leftMs
    // The end of the ejection and their number stay, for the next one.
    Atomics.compareExchange(words, this.#word, word, word & ~BigInt(EJECTED))
    return 0
  }

  /**
   * Ejects it, unless it is or another thread does so now. `forMs` is asked for the length, given how many ejections in
   * a row this is; one is forgotten for each `forgetMs` since the last one ended.
   */
  eject(nowMs: number, forgetMs: number, forMs: (ejections: number) => number): Ejection | null {
    const { words } = this.#cells
    const held = Atomics.load(words, this.#word)
    const low = Number(held & 0x1ffn)
    const quietMs = nowMs - timeOf(held)
    if ((low & EJECTED) !== 0 && quietMs < 0) return null
    const remembered = Math.max(0, (low >> 1) - Math.floor(Math.max(0, quietMs) / forgetMs))
    const ejections = Math.min(MAX_EJECTIONS, remembered + 1)
    const made = packWord(nowMs + forMs(ejections), (ejections << 1) | EJECTED)
    return Atomics.compareExchange(words, this.#word, held, made) === held ? { held, made } : null
  }

  /** Undoes an ejection that turned out to be one too many. */
  undo(ejection: Ejection): void {
    Atomics.compareExchange(this.#cells.words, this.#word, ejection.made, ejection.held)
  }
}

/** The words before and after an ejection. */
export interface Ejection {
  readonly held: bigint
  readonly made: bigint
}
