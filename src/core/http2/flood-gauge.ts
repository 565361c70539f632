/** How many resets a client may be ahead of what it has been served. */
const RESET_CREDIT = 100
/** What comes back of it a second: who cancels now and then is no attacker. */
const RESETS_PER_SECOND = 10
/** Bytes that are neither bodies nor requests, and yet allowed: in all, for each request, and for each second. */
const FRAME_BYTES = 1_048_576
const FRAME_BYTES_PER_STREAM = 65_536
const FRAME_BYTES_PER_SECOND = 1_024
/** Taking an answer needs updates of windows: 26 bytes for each frame of 16 KiB at most, and much less as a rule. */
const SENT_BYTES_PER_FRAME_BYTE = 64

/** What a gauge reads of a socket. */
export interface Metered {
  readonly bytesRead: number
  readonly bytesWritten: number
}

/**
 * Tells whether a client of HTTP/2 makes us work without letting itself be served: by resets, or by frames that carry
 * nothing (PING, SETTINGS, WINDOW_UPDATE, PRIORITY, empty DATA, CONTINUATION without end). The library does not show the
 * single frames, but bytes tell enough.
 */
export class FloodGauge {
  readonly #since = performance.now()
  #credit = RESET_CREDIT
  #creditAt = this.#since
  #streams = 0
  #headBytes = 0

  /** A stream has begun. */
  begun(list: readonly string[]): void {
    this.#streams++
    for (const text of list) this.#headBytes += text.length
  }

  /** A request was answered. */
  served(): void {
    this.#credit = Math.min(RESET_CREDIT, this.#credit + 1)
  }

  /** A stream was reset before it was answered; true when these are too many. */
  reset(): boolean {
    const now = performance.now()
    const back = ((now - this.#creditAt) / 1_000) * RESETS_PER_SECOND
    this.#creditAt = now
    this.#credit = Math.min(RESET_CREDIT, this.#credit + back) - 1
    return this.#credit < 0
  }

  /** True when too much came that carries nothing; `bodyBytes`: what came of bodies. */
  isFlooded(now: number, { bytesRead, bytesWritten }: Metered, bodyBytes: number): boolean {
    const carried = this.#headBytes + 2 * bodyBytes
    const seconds = (now - this.#since) / 1_000
    const allowed =
      FRAME_BYTES +
      this.#streams * FRAME_BYTES_PER_STREAM +
      seconds * FRAME_BYTES_PER_SECOND +
      bytesWritten / SENT_BYTES_PER_FRAME_BYTE
    return bytesRead - carried > allowed
  }
}
