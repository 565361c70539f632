import { randomFillSync } from 'node:crypto'

const POOL_BYTES = 2048
const COUNTER_LIMIT = 0x1000
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
/** Where the parts of a request id stand, less its time. */
const COUNTER_AT = 15
const RANDOM_AT = 19
const DIGITS = Buffer.from('0123456789abcdef', 'latin1')

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
  /** The last request id: an id is one text, since what is put together of parts is put together again by whoever writes it. */
  readonly #id = Buffer.from('00000000-0000-7000-8000-000000000000', 'latin1')
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
    const id = this.#id
    const counter = this.#counter
    for (let digit = 0; digit < 3; digit++) id[COUNTER_AT + digit] = digitOf(counter >> (8 - 4 * digit))
    const random = this.#takeHex(16)
    // Two bits of the first digit are the variant.
    id[RANDOM_AT] = digitOf(8 | (nibbleOf(random.charCodeAt(0)) & 3))
    for (let digit = 1; digit < 16; digit++) {
      id[RANDOM_AT + digit + (digit < 4 ? 0 : 1)] = random.charCodeAt(digit)
    }
    return id.toString('latin1')
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
    this.#id.write(`${digits.slice(0, 8)}-${digits.slice(8)}`, 'latin1')
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

/** The hex digit of the lowest four bits, as a byte of text. */
function digitOf(value: number): number {
  return DIGITS[value & 15] as number // in range
}

function nibbleOf(digit: number): number {
  return digit < 0x3a ? digit - 0x30 : digit - 0x57
}

/** Whether a text is a request id of ours: UUID version 7, lower case, with dashes. */
export function isRequestId(text: string): boolean {
  return UUID_V7.test(text)
}
