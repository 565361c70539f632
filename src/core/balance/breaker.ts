import type { Outcome, Random, Seat } from './contract.ts'
import { FailureWindow, windowCells } from './failure-window.ts'
import { glance, lowerHalf, lowOf, packWord, type SharedCells, timeOf } from './shared-cells.ts'

/** When a breaker opens, and how it closes again. A null trigger is off. */
export interface BreakerRules {
  /**
   * Failures in a row. Without a connection they suffice; others open it only when they are also the share of
   * `failureShare`, whatever the volume: some requests for one bad page must not outweigh all that go well.
   */
  readonly consecutiveFailures: number | null
  /** Failures within the window. */
  readonly failures: number | null
  /** Share of failures (0 to 1) within the window, once it holds `minimumVolume` attempts. */
  readonly failureShare: { readonly share: number; readonly minimumVolume: number } | null
  /** At least 1000. */
  readonly windowMs: number
  /** How long it stays open. */
  readonly openMs: number
  /** That is lengthened by up to this share of it, at random, so that not all breakers try again in one moment. */
  readonly jitterShare: number
  /**
   * Probes that may run at a time, over all threads; 1 to 15. With more than one, a verdict ends the half-open state
   * while the others still run; the next such state does not count them.
   */
  readonly probes: number
  /** Probes that must succeed before it closes; 1 to 15. */
  readonly probeSuccesses: number
  /** A probe that has not reported after this long is given up: its thread may be dead. */
  readonly probeLeaseMs: number
}

/**
 * Leave to send one request: REFUSED, ORDINARY, FORCED (it goes although the breaker is open, since there is nowhere else
 * to go), or above 0 a probe's, which counts for the half-open state it is from.
 */
export type Permit = number
export const FORCED: Permit = -2
export const REFUSED: Permit = -1
export const ORDINARY: Permit = 0

export type BreakerState = 'closed' | 'open' | 'half_open'

/*
 * A breaker's slot, in words:
 *
 *   0    time │ 14 bits: generation, 4: successes, 4: probes running, 2: state
 *   1    halves: failures in a row │ how often it opened
 *   2    whose it is, where targets share slots one after the other
 *   3…   the window's rows
 *
 * The time is: since when, for closed; until when, for open; for half-open, when the running probes are given up. Every
 * change is one compare-and-swap of word 0. The generation names one half-open state, so that what a probe reports after
 * its time has no effect on a later one.
 */
const FIXED_WORDS = 3
const STATE = 3
const CLOSED = 0
const OPEN = 1
const HALF_OPEN = 2
const RUNNING_SHIFT = 2
const SUCCESSES_SHIFT = 6
const GENERATION_SHIFT = 10
const COUNT_MASK = 15
const MAX_GENERATION = 0x3fff

/** Words of a breaker's slot. */
export function breakerCells(seats: number): number {
  return FIXED_WORDS + windowCells(seats)
}

/** What a breaker needs beside its rules. */
export interface BreakerPlace {
  readonly cells: SharedCells
  /** First word of its slot. */
  readonly index: number
  readonly seat: Seat
  readonly random: Random
  /** When an active check of the target last passed; null without checks. One that passes later ends the open state. */
  readonly passedAtMs?: (() => number) | null
}

/** The circuit breaker of one (route, target), one for all threads. */
export class Breaker {
  readonly #cells: SharedCells
  readonly #word: number
  readonly #low: number
  readonly #consecutive: number
  readonly #opened: number
  readonly #window: FailureWindow
  readonly #rules: BreakerRules
  readonly #random: Random
  readonly #passedAtMs: (() => number) | null

  constructor({ cells, index, seat, random, passedAtMs = null }: BreakerPlace, rules: BreakerRules) {
    this.#cells = cells
    this.#word = index
    this.#low = lowerHalf(index)
    this.#consecutive = (index + 1) * 2
    this.#opened = this.#consecutive + 1
    this.#window = new FailureWindow(cells.halves, (index + FIXED_WORDS) * 2, { seat, windowMs: rules.windowMs })
    this.#rules = rules
    this.#random = random
    this.#passedAtMs = passedAtMs
  }

  /** Says by its claim which target the slot is for: what is known of another one is forgotten. */
  belongTo(claim: bigint, nowMs: number): void {
    const { words, halves } = this.#cells
    const owner = this.#word + 2
    const held = Atomics.load(words, owner)
    if (held === claim || Atomics.compareExchange(words, owner, held, claim) !== held) return
    // The window counts from here on: what its rows hold is from before.
    const low = lowOf(Atomics.load(words, this.#word))
    Atomics.store(words, this.#word, packWord(nowMs, (generationOf(low) << GENERATION_SHIFT) | CLOSED))
    Atomics.store(halves, this.#consecutive, 0)
  }

  /** How often it opened from closed or half-open. */
  get openings(): number {
    return Atomics.load(this.#cells.halves, this.#opened)
  }

  /** An open breaker whose time has passed is half-open, although the first probe has yet to come. */
  state(nowMs: number): BreakerState {
    return breakerState(this.#cells, this.#word, nowMs)
  }

  /** Milliseconds until a request may be admitted; 0 when one would be now. */
  waitMs(nowMs: number): number {
    if ((glance(this.#cells.halves, this.#low) & STATE) === CLOSED) return 0
    const word = Atomics.load(this.#cells.words, this.#word)
    const low = lowOf(word)
    const full = (low & STATE) === OPEN || runningOf(low) >= this.#rules.probes
    return full ? Math.max(0, this.#dueAt(word) - nowMs) : 0
  }

  /** Admits a request or not; every permit but REFUSED must be given to `record` once. */
  admit(nowMs: number): Permit {
    if ((glance(this.#cells.halves, this.#low) & STATE) === CLOSED) return ORDINARY
    const { words } = this.#cells
    for (let held = Atomics.load(words, this.#word); ; ) {
      const low = lowOf(held)
      const state = low & STATE
      if (state === CLOSED) return ORDINARY
      const fresh = state === OPEN || runningOf(low) >= this.#rules.probes
      if (fresh && nowMs < this.#dueAt(held)) return REFUSED
      const generation = fresh ? (generationOf(low) % MAX_GENERATION) + 1 : generationOf(low)
      const next = fresh ? halfOpen(generation, 1, 0) : halfOpen(generation, runningOf(low) + 1, successesOf(low))
      const found = Atomics.compareExchange(words, this.#word, held, packWord(nowMs + this.#rules.probeLeaseMs, next))
      if (found === held) return generation
      held = found
    }
  }

  /** Learns from a request; true when the breaker opened because of it. */
  record(permit: Permit, outcome: Outcome, nowMs: number): boolean {
    if (permit > ORDINARY) return this.#recordProbe(permit, outcome, nowMs)
    if (permit === FORCED) return this.#recordForced(outcome, nowMs)
    if (permit === REFUSED || outcome === 'neutral') return false
    const { halves, words } = this.#cells
    this.#window.add(nowMs, outcome)
    if (outcome === 'success') {
      if (glance(halves, this.#consecutive) !== 0) Atomics.store(halves, this.#consecutive, 0)
      return false
    }
    const consecutive = Atomics.add(halves, this.#consecutive, 1) + 1
    const held = Atomics.load(words, this.#word)
    if ((lowOf(held) & STATE) !== CLOSED || !this.#trips(consecutive, outcome, timeOf(held), nowMs)) return false
    return this.#open(held, nowMs)
  }

  #recordProbe(permit: Permit, outcome: Outcome, nowMs: number): boolean {
    const { words, halves } = this.#cells
    for (let held = Atomics.load(words, this.#word); ; ) {
      const low = lowOf(held)
      if ((low & STATE) !== HALF_OPEN || generationOf(low) !== permit) return false
      if (outcome === 'failure' || outcome === 'down') {
        if (this.#open(held, nowMs)) return true
        held = Atomics.load(words, this.#word)
        continue
      }
      const successes = successesOf(low) + (outcome === 'success' ? 1 : 0)
      const closes = successes >= this.#rules.probeSuccesses
      if (closes) Atomics.store(halves, this.#consecutive, 0)
      const next = closes
        ? packWord(nowMs, (permit << GENERATION_SHIFT) | CLOSED)
        : packWord(timeOf(held), halfOpen(permit, Math.max(0, runningOf(low) - 1), successes))
      const found = Atomics.compareExchange(words, this.#word, held, next)
      if (found === held) return false
      held = found
    }
  }

  /** One that went well is as good as a probe; one that failed is no news. */
  #recordForced(outcome: Outcome, nowMs: number): boolean {
    if (outcome !== 'success') return false
    const { words, halves } = this.#cells
    Atomics.store(halves, this.#consecutive, 0)
    for (let held = Atomics.load(words, this.#word); (lowOf(held) & STATE) !== CLOSED; ) {
      const next = packWord(nowMs, (generationOf(lowOf(held)) << GENERATION_SHIFT) | CLOSED)
      const found = Atomics.compareExchange(words, this.#word, held, next)
      if (found === held) break
      held = found
    }
    return false
  }

  /** When a breaker that is open or has no probe to give may have one. */
  #dueAt(word: bigint): number {
    const until = timeOf(word)
    if (this.#passedAtMs === null || (lowOf(word) & STATE) !== OPEN) return until
    // When it opened is not written down: at the latest this long before it ends.
    const openedBy = until - this.#rules.openMs
    const passed = this.#passedAtMs()
    return passed > openedBy ? Math.min(passed, until) : until
  }

  /** From `held` to open, unless another thread was faster. */
  #open(held: bigint, nowMs: number): boolean {
    const { openMs, jitterShare } = this.#rules
    const untilMs = nowMs + openMs * (1 + jitterShare * this.#random())
    const next = packWord(untilMs, (generationOf(lowOf(held)) << GENERATION_SHIFT) | OPEN)
    if (Atomics.compareExchange(this.#cells.words, this.#word, held, next) !== held) return false
    Atomics.add(this.#cells.halves, this.#opened, 1)
    return true
  }

  #trips(consecutive: number, outcome: 'failure' | 'down', closedSinceMs: number, nowMs: number): boolean {
    const { consecutiveFailures, failures, failureShare } = this.#rules
    const inARow = consecutiveFailures !== null && consecutive >= consecutiveFailures
    if (inARow && (outcome === 'down' || failureShare === null)) return true
    if (failures === null && failureShare === null) return false
    const window = this.#window
    window.sum(nowMs, closedSinceMs)
    if (failures !== null && window.failures >= failures) return true
    if (failureShare === null || (!inARow && window.attempts < failureShare.minimumVolume)) return false
    return window.failures >= failureShare.share * window.attempts
  }
}

/** The state of the breaker whose slot begins at this word. */
export function breakerState({ words }: SharedCells, index: number, nowMs: number): BreakerState {
  const word = Atomics.load(words, index)
  const state = lowOf(word) & STATE
  if (state === CLOSED) return 'closed'
  return state === OPEN && nowMs < timeOf(word) ? 'open' : 'half_open'
}

/** Milliseconds that the breaker whose slot begins at this word stays open yet; 0 when it is not open. */
export function breakerOpenMs({ words }: SharedCells, index: number, nowMs: number): number {
  const word = Atomics.load(words, index)
  return (lowOf(word) & STATE) === OPEN ? Math.max(0, timeOf(word) - nowMs) : 0
}

/** The claim of the target that the slot was last used for. */
export function breakerOwner({ words }: SharedCells, index: number): bigint {
  return Atomics.load(words, index + 2)
}

function runningOf(low: number): number {
  return (low >> RUNNING_SHIFT) & COUNT_MASK
}

function successesOf(low: number): number {
  return (low >> SUCCESSES_SHIFT) & COUNT_MASK
}

function generationOf(low: number): number {
  return low >> GENERATION_SHIFT
}

function halfOpen(generation: number, running: number, successes: number): number {
  return (generation << GENERATION_SHIFT) | (successes << SUCCESSES_SHIFT) | (running << RUNNING_SHIFT) | HALF_OPEN
}
