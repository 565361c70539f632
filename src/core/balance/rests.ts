import { lowOf, packWord, type SharedCells, timeOf } from './shared-cells.ts'

/*
 * Slot, in words: one for each place, until when it rests; in the lowest bit whether its server asked for that, and above
 * it 7 bits that say why, in numbers of whoever uses it.
 */

const ASKED = 1
const REASON_SHIFT = 1
const REASON_MASK = 127

/**
 * Places that are left alone for a while, over all threads: because their server asked for it, or because they are
 * thought to be of no use. The latter are still better than nothing.
 */
export class Rests {
  readonly #words: BigInt64Array
  readonly #at: number
  readonly places: number

  /** `index` is the slot's first word. */
  constructor({ words }: SharedCells, index: number, places: number) {
    this.#words = words
    this.#at = index
    this.places = places
  }

  /** Milliseconds that a place rests yet; 0 when it does not. */
  leftMs(place: number, nowMs: number): number {
    const word = this.#words[this.#at + place] ?? 0n
    return word === 0n ? 0 : Math.max(0, timeOf(word) - nowMs)
  }

  /** The same, of a rest that its server asked for. */
  askedMs(place: number, nowMs: number): number {
    const word = this.#words[this.#at + place] ?? 0n
    return (lowOf(word) & ASKED) === 0 ? 0 : Math.max(0, timeOf(word) - nowMs)
  }

  /** The reason that its rest was given. */
  reason(place: number): number {
    return (lowOf(this.#words[this.#at + place] ?? 0n) >> REASON_SHIFT) & REASON_MASK
  }

  /** It rests until then; a longer rest stays. `reason`: from 0 to 127. */
  rest(place: number, untilMs: number, why: 'asked' | 'supposed', reason = 0): void {
    const at = this.#at + place
    const wanted = packWord(untilMs, (reason << REASON_SHIFT) | (why === 'asked' ? ASKED : 0))
    for (let held = Atomics.load(this.#words, at); held < wanted; ) {
      const found = Atomics.compareExchange(this.#words, at, held, wanted)
      if (found === held) return
      held = found
    }
  }

  /** It works again. */
  end(place: number): void {
    if (this.#words[this.#at + place] !== 0n) Atomics.store(this.#words, this.#at + place, 0n)
  }
}
