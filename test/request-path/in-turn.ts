import { type Attempting, NO_MORE } from '../../src/core/attempting.ts'
import type { Candidate, GatewayError } from '../../src/core/index.ts'

/** Sends a request to one candidate after the other, as long as they fail or answer 5xx. */
export class InTurn implements Attempting {
  readonly #candidates: readonly Candidate[]
  readonly #noMore: GatewayError | null
  #at = 0

  /** With `noMore` another attempt always follows, and this is said when there is no candidate for it. */
  constructor(candidates: readonly Candidate[], noMore: GatewayError | null = null) {
    this.#candidates = candidates
    this.#noMore = noMore
  }

  next(): Candidate | GatewayError {
    const candidate = this.#candidates[this.#at++] ?? this.#noMore
    if (candidate === null) throw new Error('no candidate is left')
    return candidate
  }

  onFailure(): number {
    return this.#at < this.#candidates.length || this.#noMore !== null ? 0 : NO_MORE
  }

  onHead(_x: unknown, status: number): number {
    return status < 500 ? NO_MORE : this.onFailure()
  }

  onBroken(): void {
    // Nobody is told.
  }

  onEnd(): void {
    // Nothing is held.
  }
}
