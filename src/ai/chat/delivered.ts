/**
 * Estimates what a stream delivered, from sizes alone: the smallest event is taken as an envelope with one token, and
 * what larger events have beyond it as text of three bytes a token. Errs on the high side for one-token events.
 */
export class DeliveredEstimate {
  #events = 0
  #bytes = 0
  #smallest = Number.POSITIVE_INFINITY

  /** One event with data, of this many bytes. */
  add(bytes: number): void {
    this.#events++
    this.#bytes += bytes
    if (bytes < this.#smallest) this.#smallest = bytes
  }

  get tokens(): number {
    if (this.#events === 0) return 0
    return this.#events + Math.ceil((this.#bytes - this.#events * this.#smallest) / 3)
  }
}

/** Estimated tokens of a text of this many bytes: four bytes a token, as English prose has. */
export function estimateTokens(bytes: number): number {
  return Math.ceil(bytes / 4)
}
