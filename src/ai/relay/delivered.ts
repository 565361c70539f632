/**
 * Estimates what a stream delivered, from sizes alone: the smallest event is taken as an envelope with one token, and
 * what larger events have beyond it as text of three bytes a token. Errs on the high side for one-token events.
 */
export class DeliveredEstimate {
  #events = 0
  #bytes = 0
  #smallest: number
  #reportedEvents = 0
  #reportedBytes = 0

  /** `envelope`: bytes of an event without its text, where that is known. */
  constructor(envelope = Number.POSITIVE_INFINITY) {
    this.#smallest = envelope
  }

  /** One event with data, of this many bytes. */
  add(bytes: number): void {
    this.#events++
    this.#bytes += bytes
    if (bytes < this.#smallest) this.#smallest = bytes
  }

  /** What came so far is in the usage that the upstream reported now. */
  report(): void {
    this.#reportedEvents = this.#events
    this.#reportedBytes = this.#bytes
  }

  get tokens(): number {
    return this.#tokensOf(this.#events, this.#bytes)
  }

  /** Tokens that came after the last report. */
  get unreported(): number {
    return this.#tokensOf(this.#events - this.#reportedEvents, this.#bytes - this.#reportedBytes)
  }

  #tokensOf(events: number, bytes: number): number {
    return events === 0 ? 0 : events + Math.ceil((bytes - events * this.#smallest) / 3)
  }
}

/** Estimated tokens of a text of this many bytes: four bytes a token, as English prose has. */
export function estimateTokens(bytes: number): number {
  return Math.ceil(bytes / 4)
}
