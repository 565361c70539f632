import { glance, lowerHalf, lowOf, packWord, type SharedCells, timeOf } from './shared-cells.ts'

/*
 * Slot, in words, for each place:
 *
 *   0    until when its server asked to be left alone │ flags
 *   1    until when it is thought to be of no use     │ flags
 *   2    when the latter began                        │ how often it was lengthened
 *
 * The flags of a word that is not 0 are never 0, so that its lower half tells whether there is anything to read.
 */
const WORDS = 3
const SUPPOSED = 1
const SINCE = 2

const SET = 1
const REASON_SHIFT = 1
const REASON_MASK = 127
/** Nobody knows how long it should be. */
const GUESSED = 1 << 8
/** It is over, and one attempt finds out what for all others. */
const TRIED = 1 << 9
const MOST_DOUBLINGS = 20
/** Whose rest it is, where several share a place. */
const TAG_SHIFT = 10

/** Words of a slot. */
export function restsCells(places: number): number {
  return places * WORDS
}

export interface Rest {
  readonly why: 'asked' | 'supposed'
  readonly nowMs: number
  readonly untilMs: number
  /** From 0 to 127. */
  readonly reason?: number
}

/** A rest whose length nobody knows. */
export interface GuessedRest {
  readonly nowMs: number
  /** When the attempt began that failed: one that was on its way before the place came to rest says nothing new. */
  readonly begunMs: number
  /** Doubled while the attempt after each such rest fails, up to `mostMs`. */
  readonly leastMs: number
  readonly mostMs: number
  readonly reason?: number
}

/**
 * Places that are left alone for a while, over all threads: because their server asked for it, or because they are
 * thought to be of no use. The latter are still better than nothing. A place may rest for both; neither hides the other.
 */
export class Rests {
  readonly #words: BigInt64Array
  readonly #halves: Int32Array
  readonly #at: number
  readonly places: number
  /** 0: whatever rests there counts. */
  readonly #tag: number

  /** `index` is the slot's first word. `tag`, below 2¹⁴: rests of others at the same place are none. */
  constructor({ words, halves }: SharedCells, index: number, places: number, tag = 0) {
    this.#words = words
    this.#halves = halves
    this.#at = index
    this.places = places
    this.#tag = tag
  }

  /** Milliseconds that a place rests yet; 0 when it does not. */
  leftMs(place: number, nowMs: number): number {
    const at = this.#at + place * WORDS
    return Math.max(this.#leftOf(at, nowMs), this.#leftOf(at + SUPPOSED, nowMs))
  }

  /** The same, of a rest that its server asked for. */
  askedMs(place: number, nowMs: number): number {
    return this.#leftOf(this.#at + place * WORDS, nowMs)
  }

  /** The reason that the longer of its rests was given. */
  reason(place: number): number {
    const at = this.#at + place * WORDS
    const [asked, supposed] = [Atomics.load(this.#words, at), Atomics.load(this.#words, at + SUPPOSED)]
    return (lowOf(timeOf(asked) >= timeOf(supposed) ? asked : supposed) >> REASON_SHIFT) & REASON_MASK
  }

  /** The reason of the rest that its server asked for. */
  askedReason(place: number): number {
    return (lowOf(Atomics.load(this.#words, this.#at + place * WORDS)) >> REASON_SHIFT) & REASON_MASK
  }

  /** It rests until then; a longer rest of the same kind stays. */
  rest(place: number, { why, nowMs, untilMs, reason = 0 }: Rest): void {
    const first = this.#at + place * WORDS
    const at = why === 'asked' ? first : first + SUPPOSED
    const wanted = packWord(untilMs, SET | (reason << REASON_SHIFT) | (this.#tag << TAG_SHIFT))
    for (let held = Atomics.load(this.#words, at); !this.#isOwn(held) || timeOf(held) < timeOf(wanted); ) {
      if (why === 'supposed') this.#beginAt(first, nowMs, lowOf(Atomics.load(this.#words, first + SINCE)))
      const found = Atomics.compareExchange(this.#words, at, held, wanted)
      if (found === held) return
      held = found
    }
  }

  /** It rests, and nobody knows how long it should. */
  guess(place: number, { nowMs, begunMs, leastMs, mostMs, reason = 0 }: GuessedRest): void {
    const first = this.#at + place * WORDS
    const at = first + SUPPOSED
    for (let held = Atomics.load(this.#words, at); ; ) {
      const flags = this.#isOwn(held) ? lowOf(held) : 0
      const since = Atomics.load(this.#words, first + SINCE)
      const isGuess = (flags & GUESSED) !== 0
      if (isGuess && begunMs < timeOf(since)) return
      const isTried = (flags & TRIED) !== 0
      const isAgain = isGuess && (isTried || begunMs >= timeOf(held)) && nowMs - timeOf(held) <= mostMs
      const isSame = isGuess && !isTried && nowMs < timeOf(held)
      const doublings = isAgain ? Math.min(lowOf(since) + 1, MOST_DOUBLINGS) : isSame ? lowOf(since) : 0
      const untilMs = nowMs + Math.min(mostMs, leastMs * 2 ** doublings)
      if (!isTried && this.#isOwn(held) && untilMs <= timeOf(held)) return
      this.#beginAt(first, nowMs, doublings)
      const wanted = packWord(untilMs, SET | GUESSED | (reason << REASON_SHIFT) | (this.#tag << TAG_SHIFT))
      const found = Atomics.compareExchange(this.#words, at, held, wanted)
      if (found === held) return
      held = found
    }
  }

  /**
   * A request goes there. After a rest of guessed length it is the only one until it has an answer, or for `leaseMs`: for all others
   * the place rests on.
   */
  begin(place: number, nowMs: number, leaseMs: number): void {
    const at = this.#at + place * WORDS + SUPPOSED
    if (glance(this.#halves, lowerHalf(at)) === 0) return
    const held = Atomics.load(this.#words, at)
    const flags = lowOf(held)
    if ((flags & GUESSED) === 0 || timeOf(held) > nowMs || !this.#isOwn(held)) return
    Atomics.compareExchange(this.#words, at, held, packWord(nowMs + leaseMs, flags | TRIED))
  }

  /**
   * An attempt that began then went well: the place is of use, when it was thought to be of none before that. A rest that the
   * server asked for stays.
   */
  end(place: number, begunMs: number): void {
    const first = this.#at + place * WORDS
    const at = first + SUPPOSED
    if (glance(this.#halves, lowerHalf(at)) === 0) return
    // In this order: whoever gives a rest writes first when it began.
    const held = Atomics.load(this.#words, at)
    const since = Atomics.load(this.#words, first + SINCE)
    if (begunMs < timeOf(since) || !this.#isOwn(held) || Atomics.compareExchange(this.#words, at, held, 0n) !== held)
      return
    Atomics.compareExchange(this.#words, first + SINCE, since, 0n)
  }

  #beginAt(first: number, nowMs: number, doublings: number): void {
    Atomics.store(this.#words, first + SINCE, packWord(nowMs, doublings))
  }

  #leftOf(at: number, nowMs: number): number {
    if (glance(this.#halves, lowerHalf(at)) === 0) return 0
    const word = Atomics.load(this.#words, at)
    return this.#isOwn(word) ? Math.max(0, timeOf(word) - nowMs) : 0
  }

  #isOwn(word: bigint): boolean {
    return this.#tag === 0 || lowOf(word) >> TAG_SHIFT === this.#tag
  }
}
