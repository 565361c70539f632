const BURST = 1_000
const PER_SECOND = 1

/**
 * Which refusals of requests without a known caller leave a record and a line. Anybody can cause them, and a disk that is
 * full of them would stop those who have a key: after so many at once only one a second is written down, by each worker.
 */
export class NamelessRefusals {
  #left = BURST
  #filledAtMs: number

  /** Times: milliseconds of any steady clock. */
  constructor(nowMs: number) {
    this.#filledAtMs = nowMs
  }

  /** Takes one; false when it is to be counted only. */
  admit(nowMs: number): boolean {
    this.#left = Math.min(BURST, this.#left + ((nowMs - this.#filledAtMs) / 1_000) * PER_SECOND)
    this.#filledAtMs = nowMs
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
