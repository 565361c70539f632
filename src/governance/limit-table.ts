/**
 * Rate limits of very many identities in a fixed piece of shared memory. An identity has one cell in a set of WAYS, found
 * by a keyed hash; the cell holds a mark of the identity and the state of its limit (rate-limit.ts), so that one
 * compare-and-swap sees both:
 *
 *   63           44 43                                   0
 *   ┌──────────────┬──────────────────────────────────────┐
 *   │ mark, 20 bits│ arrival time in µs, modulo 2^44       │
 *   └──────────────┴──────────────────────────────────────┘
 *
 * When all cells of a set belong to others, a new identity takes over the one that has used least of its limit, together
 * with what was used. So cells only ever count up: an identity that lost its cell finds at least as much used when it
 * comes back, and none passes its limit by losing it. Who takes over a cell waits at most until that cell has recovered.
 * In numbers: with up to 16,384 identities at work at once sets are rarely full; beyond that newcomers share.
 *
 * Two identities with the same set and mark share one limit (once in 2^31 pairs; nobody can choose them, since the hash
 * has a secret). Two threads that meet a new identity at the same moment may give it two cells: one request more.
 */
import { randomBytes } from 'node:crypto'
import { KeyedHash } from './keyed-hash.ts'
import type { Rate } from './rate-limit.ts'

const WAYS = 8
const SETS = 2_048
export const SECRET_CELLS = 1
/** Cells that the table takes: that of the secret, then those of the identities. */
export const LIMIT_TABLE_CELLS = SECRET_CELLS + SETS * WAYS

export const MARK_SHIFT = 44n
export const TIME_MASK = (1n << MARK_SHIFT) - 1n
export const TIMES = 2 ** 44
const MARKS = 2 ** 20
/** Bits of the time that are in the upper half of a cell. */
const UPPER_TIME_BITS = 12
const UPPER = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0
const LOWER = 1 - UPPER
/** Threads read clocks that are a few microseconds apart. */
const CLOCK_SLACK_US = 1_000_000

/** The longest time that a used-up burst may take to recover: half of what a cell tells apart, some hundred days. */
export const MAX_RECOVERY_US = TIMES / 2 - CLOCK_SLACK_US

/** One limit for each of very many identities; all threads of the process count together. */
export class LimitTable {
  readonly #cells: BigUint64Array
  /** The same memory in halves: most of a set is looked through without making a BigInt of each cell. */
  readonly #halves: Uint32Array
  readonly #hash: KeyedHash
  readonly #intervalUs: number
  readonly #rangeUs: number
  /** How far the limit that was asked last runs ahead of the clock, in microseconds. */
  aheadUs = 0

  /**
   * `index` is the first of LIMIT_TABLE_CELLS cells, all zero when nobody has used them. Throws a RangeError for a burst
   * that takes longer than MAX_RECOVERY_US to recover.
   */
  constructor(cells: BigInt64Array, index: number, { intervalUs, burst }: Rate) {
    const offset = cells.byteOffset + index * BigInt64Array.BYTES_PER_ELEMENT
    this.#cells = new BigUint64Array(cells.buffer, offset, LIMIT_TABLE_CELLS)
    this.#halves = new Uint32Array(cells.buffer, offset, LIMIT_TABLE_CELLS * 2)
    this.#hash = sharedHash(this.#cells)
    this.#intervalUs = intervalUs
    this.#rangeUs = intervalUs * burst
    if (this.#rangeUs > MAX_RECOVERY_US) throw new RangeError('the burst takes over a hundred days to recover')
  }

  /** Takes one request: 0 when it is admitted, else the microseconds (> 0) until one would be, with nothing taken. */
  take(identity: string, nowUs: number): number {
    this.#hash.update(identity)
    const { low, high } = this.#hash
    const first = SECRET_CELLS + (low % SETS) * WAYS
    // 0 marks a cell that nobody has used.
    const mark = 1 + (high % (MARKS - 1))
    const now = nowUs % TIMES
    for (;;) {
      const own = this.#find(first, mark)
      const cell = own < 0 ? this.#leastUsed(first, now) : own
      const held = Atomics.load(this.#cells, cell)
      const usedUs = held === 0n ? 0 : this.#usedOf(Number(held & TIME_MASK), now)
      // Another thread may have taken the cell since it was looked at.
      if (own < 0 ? usedUs > this.#usedAt(this.#leastUsed(first, now), now) : Number(held >> MARK_SHIFT) !== mark)
        continue
      const waitUs = usedUs + this.#intervalUs - this.#rangeUs
      this.aheadUs = usedUs
      if (waitUs > 0) return waitUs
      const arrival = (now + usedUs + this.#intervalUs) % TIMES
      const next = (BigInt(mark) << MARK_SHIFT) | BigInt(arrival)
      if (Atomics.compareExchange(this.#cells, cell, held, next) !== held) continue
      this.aheadUs = usedUs + this.#intervalUs
      return 0
    }
  }

  #find(first: number, mark: number): number {
    for (let cell = first; cell < first + WAYS; cell++) {
      if (this.#half(cell * 2 + UPPER) >>> UPPER_TIME_BITS === mark) return cell
    }
    return -1
  }

  #leastUsed(first: number, now: number): number {
    let least = first
    let leastUs = Number.POSITIVE_INFINITY
    for (let cell = first; cell < first + WAYS; cell++) {
      const usedUs = this.#usedAt(cell, now)
      if (usedUs >= leastUs) continue
      least = cell
      leastUs = usedUs
    }
    return least
  }

  #usedAt(cell: number, now: number): number {
    const half = this.#half(cell * 2 + UPPER)
    if (half === 0) return 0 // without a mark nobody has used it
    const upper = half & (2 ** UPPER_TIME_BITS - 1)
    return this.#usedOf(upper * 2 ** 32 + this.#half(cell * 2 + LOWER), now)
  }

  /** How far an arrival time is ahead of the clock; 0 for one so far off that it must be of long ago. */
  #usedOf(arrival: number, now: number): number {
    const ahead = (arrival - now + TIMES) % TIMES
    return ahead > this.#rangeUs + CLOCK_SLACK_US ? 0 : ahead
  }

  #half(at: number): number {
    return Atomics.load(this.#halves, at)
  }
}

/** Its key is made by the first thread that comes: who knew it could choose whom to share a cell with. */
function sharedHash(cells: BigUint64Array): KeyedHash {
  Atomics.compareExchange(cells, 0, 0n, randomBytes(8).readBigUInt64LE() | 1n)
  const key = Atomics.load(cells, 0)
  return new KeyedHash(Number(BigInt.asIntN(32, key)), Number(BigInt.asIntN(32, key >> 32n)))
}
