import { randomFillSync } from 'node:crypto'

const POOL_BYTES = 2048
const COUNTER_LIMIT = 0x1000
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/**
 * Makes ids for requests, traces and spans; one per thread. Randomness comes from the system's generator in blocks,
 * because one call for each id would cost more than everything else here.
 */
export class RequestIds {
  readonly #nowMs: () => number
  readonly #random: (bytes: Uint8Array) => void
  readonly #pool = Buffer.allocUnsafeSlow(POOL_BYTES)
  #hex = ''
  #used = 0
  #timeMs = -1
  #timeText = ''
  #counter = 0

  /** The clock in milliseconds since the epoch and the source of randomness may be given, for tests. */
  constructor(nowMs: () => number = Date.now, random: (bytes: Uint8Array) => void = randomFillSync) {
    this.#nowMs = nowMs
    this.#random = random
  }

  /**
   * A request id: UUID version 7 (RFC 9562) in lower case with dashes. Ids of one instance sort in the order in which
   * they were made, whatever the clock does (section 6.2, method 1: a 12-bit counter, seeded for each millisecond).
   */
  next(): string {
    const nowMs = this.#nowMs()
    if (nowMs > this.#timeMs) {
      // The upper half stays free, so that a burst has room to count.
      this.#begin(nowMs, Number.parseInt(this.#takeHex(3), 16) >> 1)
    } else if (++this.#counter === COUNTER_LIMIT) {
      this.#begin(this.#timeMs + 1, 0)
    }
    const random = this.#takeHex(16)
    // Two bits of the first digit are the variant.
    const variant = '89ab'.charAt(Number.parseInt(random.charAt(0), 16) & 3)
    const counter = (this.#counter + COUNTER_LIMIT).toString(16).slice(1)
    return `${this.#timeText}-7${counter}-${variant}${random.slice(1, 4)}-${random.slice(4)}`
  }

  /** A trace id as in `traceparent`: 32 random hex digits. */
  traceId(): string {
    return this.#takeHex(32)
  }

  /** A span id as in `traceparent`: 16 random hex digits. */
  spanId(): string {
    return this.#takeHex(16)
  }

  #begin(timeMs: number, counter: number): void {
    const digits = timeMs.toString(16).padStart(12, '0')
    this.#timeMs = timeMs
    this.#timeText = `${digits.slice(0, 8)}-${digits.slice(8)}`
    this.#counter = counter
  }

  #takeHex(digits: number): string {
    if (this.#used + digits > this.#hex.length) {
      this.#random(this.#pool)
      this.#hex = this.#pool.toString('hex')
      this.#used = 0
    }
    const start = this.#used
    this.#used += digits
    return this.#hex.slice(start, this.#used)
  }
}

/** Whether a text is a request id of ours: UUID version 7, lower case, with dashes. */
export function isRequestId(text: string): boolean {
  return UUID_V7.test(text)
}
