import { parseAddress } from '../connect/ip-address.ts'
import { hashText } from './hash-key.ts'
import { lowOf, packWord, type SharedCells, timeOf } from './shared-cells.ts'

/** Addresses of one name that can be told apart at a time. */
export const POSITIONS = 32

/*
 * Which address of a name has which of its positions, whose slots hold what is known of it. A position, in words:
 *
 *   0      claim: since when │ 24 bits: tag of the address, 0 for nobody
 *   1      when a thread last had the address in its list
 *   2, 3   the address in 16 bytes (IPv4 mapped): for people, nothing is decided by it
 *
 * The table is in shared memory, and a claim is one compare-and-swap, so that all threads agree although each resolves
 * names for itself. An address begins to look at the position that its hash says and takes the first that is free. It
 * keeps it while any thread lists it; a position is free for another when that was long ago and nothing is in flight.
 */
const WORDS = 4

/** Words of the table of a name's positions. */
export const POSITION_CELLS = POSITIONS * WORDS

/** The position of an address, and the claim by which it has it: unlike all claims of others before. */
export interface Position {
  readonly number: number
  readonly claim: bigint
}

export interface PositionsOptions {
  /** How long a position is kept for an address that no thread lists any more. */
  readonly keepMs: number
  /** Requests are in flight to whoever has the position. */
  readonly isBusy: (position: number) => boolean
  /** The position is an other address's from now on: what is known of the last one is to be forgotten. */
  readonly onClaim: (position: number) => void
}

export class Positions {
  readonly #words: BigInt64Array
  readonly #index: number
  readonly #options: PositionsOptions

  /** `index` is the table's first word. */
  constructor({ words }: SharedCells, index: number, options: PositionsOptions) {
    this.#words = words
    this.#index = index
    this.#options = options
  }

  /**
   * The positions of the addresses that count now, in their order, which must be the same in all threads (sorted). Null
   * for one that finds none. To be called again within `keepMs`, with the same addresses if they did not change.
   */
  take(addresses: readonly string[], nowMs: number): (Position | null)[] {
    const tags = new Set<number>()
    return addresses.map((address) => {
      const hash = hashText(address)
      let tag = hash & MAX_TAG
      // 1 in 16 million for two addresses; then the later one in the order gives way.
      while (tag === 0 || tags.has(tag)) tag = (tag + 1) & MAX_TAG
      tags.add(tag)
      return this.#find(tag, hash >>> 24, nowMs) ?? this.#claim(tag, address, nowMs)
    })
  }

  #find(tag: number, start: number, nowMs: number): Position | null {
    for (let step = 0; step < POSITIONS; step++) {
      const number = (start + step) % POSITIONS
      const word = this.#index + number * WORDS
      const claim = Atomics.load(this.#words, word)
      if (lowOf(claim) !== tag || this.#isFree(number, claim, nowMs)) continue
      Atomics.store(this.#words, word + 1, BigInt(Math.floor(nowMs)))
      return { number, claim }
    }
    return null
  }

  #claim(tag: number, address: string, nowMs: number): Position | null {
    const start = hashText(address) >>> 24
    const made = packWord(nowMs, tag)
    for (let step = 0; step < POSITIONS; step++) {
      const number = (start + step) % POSITIONS
      const word = this.#index + number * WORDS
      const held = Atomics.load(this.#words, word)
      if (!this.#isFree(number, held, nowMs)) continue
      const found = Atomics.compareExchange(this.#words, word, held, made)
      // Another thread was faster: perhaps for the same address.
      if (found !== held) return lowOf(found) === tag ? { number, claim: found } : this.#claim(tag, address, nowMs)
      this.#options.onClaim(number)
      Atomics.store(this.#words, word + 1, BigInt(Math.floor(nowMs)))
      const { family = 6, value = 0n } = parseAddress(address) ?? {}
      const bytes = family === 4 ? MAPPED | value : value
      Atomics.store(this.#words, word + 2, BigInt.asIntN(64, bytes >> 64n))
      Atomics.store(this.#words, word + 3, BigInt.asIntN(64, bytes))
      return { number, claim: made }
    }
    return null
  }

  #isFree(number: number, claim: bigint, nowMs: number): boolean {
    if (lowOf(claim) === 0) return true
    const seenMs = Number(Atomics.load(this.#words, this.#index + number * WORDS + 1))
    // A claim that was just made is not entered in the second word yet.
    return nowMs - Math.max(seenMs, timeOf(claim)) > this.#options.keepMs && !this.#options.isBusy(number)
  }
}

/** Who has a position. */
export interface Holder {
  readonly claim: bigint
  /** Empty for what is connected to by its name. */
  readonly address: string
}

/** Who has a position and was listed by a thread since then; null for nobody. */
export function holderOf(
  { words }: SharedCells,
  at: { index: number; position: number },
  sinceMs: number,
): Holder | null {
  const word = at.index + at.position * WORDS
  const claim = Atomics.load(words, word)
  if (lowOf(claim) === 0 || Math.max(Number(Atomics.load(words, word + 1)), timeOf(claim)) < sinceMs) return null
  const high = BigInt.asUintN(64, Atomics.load(words, word + 2))
  return { claim, address: textOf((high << 64n) | BigInt.asUintN(64, Atomics.load(words, word + 3))) }
}

function textOf(bytes: bigint): string {
  if (bytes === 0n) return ''
  if (bytes >> 32n === MAPPED >> 32n) {
    return [24n, 16n, 8n, 0n].map((shift) => String((bytes >> shift) & 0xffn)).join('.')
  }
  const groups = Array.from({ length: 8 }, (_, group) => ((bytes >> BigInt(112 - group * 16)) & 0xffffn).toString(16))
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

const MAX_TAG = 0xff_ff_ff
const MAPPED = 0xffffn << 32n
