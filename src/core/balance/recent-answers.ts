import { glance, type SharedCells } from './shared-cells.ts'

const SAMPLES = 128
/** The median is worked out anew after so many answers, when somebody asks; and after each of the first ones. */
const EVERY = 8
/** A tenth of a millisecond. */
const PER_MS = 10
const LONGEST = 0x7fff_ffff
const WHOLE = 1_000_000
/** An answer weighs a twentieth of the share: about the last fifty count. */
const WEIGHT = 20
/** What nobody tries says nothing new: half of a share is forgotten after so long, so that it is tried again. */
const FORGOTTEN_MS = 30_000

/*
 * Slot, in halves:
 *
 *   0        answers that were timed, counted
 *   1        their median, tenths of a millisecond; 0 before the first
 *   2        share of failures, millionths
 *   3        answers that were timed when the median was worked out
 *   4        when the share was last written, the low half of the milliseconds
 *   5        unused
 *   6…133    the last times, tenths of a millisecond
 */
const FIRST_SAMPLE = 6
export const RECENT_ANSWERS_CELLS = (FIRST_SAMPLE + SAMPLES) / 2

/** How fast and how well a target has answered lately, over all threads. */
export class RecentAnswers {
  readonly #halves: Int32Array
  readonly #at: number
  /** The times of a moment, in order, for `withinMs`; and how many had been timed then. */
  #sorted: Int32Array | null = null
  #sortedAt = 0

  /** `index` is the slot's first word. */
  constructor({ halves }: SharedCells, index: number) {
    this.#halves = halves
    this.#at = index * 2
  }

  /** Milliseconds to the first byte, the median of the last 128 answers; 0 before the first. Who asks works it out for all. */
  get medianMs(): number {
    const count = this.timed
    const known = glance(this.#halves, this.#at + 3) >>> 0
    if (count !== known && (count <= EVERY || Math.abs(count - known) >= EVERY)) this.#findMedian(count)
    return glance(this.#halves, this.#at + 1) / PER_MS
  }

  /** Share of failures among about the last fifty, 0 to 1; half of it every 30 seconds in which nobody is heard of. */
  failureShare(nowMs: number): number {
    return this.#failures(nowMs) / WHOLE
  }

  /** How many answers were timed. */
  get timed(): number {
    return glance(this.#halves, this.#at) >>> 0
  }

  /** Milliseconds within which this share of the last 128 answers began; 0 before the first. As of the last few answers. */
  withinMs(share: number): number {
    const { timed } = this
    if (timed === 0) return 0
    if (this.#sorted === null || timed < SAMPLES || timed - this.#sortedAt >= EVERY) {
      const first = this.#at + FIRST_SAMPLE
      this.#sorted = this.#halves.slice(first, first + Math.min(timed, SAMPLES)).sort()
      this.#sortedAt = timed
    }
    const place = Math.ceil(share * this.#sorted.length) - 1
    return (this.#sorted[Math.max(0, place)] ?? 0) / PER_MS
  }

  /** An answer began after this many milliseconds. */
  time(ms: number): void {
    const count = Atomics.add(this.#halves, this.#at, 1) >>> 0
    const tenths = Math.max(1, Math.min(LONGEST, Math.round(ms * PER_MS)))
    Atomics.store(this.#halves, this.#at + FIRST_SAMPLE + (count % SAMPLES), tenths)
  }

  /** An attempt went well, or failed. Two threads at one moment may lose one of both: a share needs no more. */
  judge(failed: boolean, nowMs: number): void {
    if (!failed && glance(this.#halves, this.#at + 2) === 0) return
    const held = this.#failures(nowMs)
    const next = held + Math.trunc(((failed ? WHOLE : 0) - held) / WEIGHT)
    Atomics.store(this.#halves, this.#at + 4, nowMs | 0)
    Atomics.store(this.#halves, this.#at + 2, next === held ? 0 : next)
  }

  #failures(nowMs: number): number {
    const held = glance(this.#halves, this.#at + 2)
    if (held === 0) return 0
    const elapsedMs = ((nowMs | 0) - glance(this.#halves, this.#at + 4)) | 0
    return elapsedMs <= 0 ? held : Math.trunc(held * 0.5 ** (elapsedMs / FORGOTTEN_MS))
  }

  #findMedian(count: number): void {
    const first = this.#at + FIRST_SAMPLE
    const sorted = this.#halves.slice(first, first + Math.min(count, SAMPLES)).sort()
    Atomics.store(this.#halves, this.#at + 1, sorted[sorted.length >> 1] ?? 0)
    Atomics.store(this.#halves, this.#at + 3, count | 0)
  }
}
