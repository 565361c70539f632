import { type Attempting, type Candidate, GatewayError, NO_MORE } from '../../core/index.ts'

/** What a server answers that has no such endpoint. */
const ABSENT: ReadonlySet<number> = new Set([404, 405, 501])

/** Asks the vendor, and when it turns out not to count, whoever counts in its place. */
export class CountAttempts implements Attempting {
  readonly #candidates: readonly [vendor: Candidate, own: Candidate]
  #at = -1

  constructor(vendor: Candidate, own: Candidate) {
    this.#candidates = [vendor, own]
  }

  next(): Candidate | GatewayError {
    this.#at++
    return this.#candidates[this.#at] ?? new GatewayError('internal_error', 'Nobody counts.')
  }

  onFailure(): number {
    return NO_MORE
  }

  onHead(_x: unknown, status: number): number {
    return this.#at === 0 && ABSENT.has(status) ? 0 : NO_MORE
  }

  onBroken(): void {
    // A count is held until it is whole.
  }

  onEnd(): void {
    // Nothing is held.
  }
}
