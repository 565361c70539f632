/**
 * How many connections each client address has, counted by all workers together in a fixed piece of shared memory. An
 * address has cells in a set of WAYS, found by a keyed hash; a cell that counts none is free:
 *
 *   63                     24 23           0
 *   ┌────────────────────────┬──────────────┐
 *   │ mark of the address    │ connections  │
 *   └────────────────────────┴──────────────┘
 *
 * A worker also notes what it added to each cell in memory of its own, from which it is taken off when its thread dies.
 *
 * When a whole set belongs to others (one newcomer in some hundred million with 10,000 addresses connected, one in five
 * hundred with 40,000), a newcomer is not counted: the bound on all connections of a listener still holds. Two threads that take the last place at the same moment may give
 * it twice.
 */
import { randomBytes } from 'node:crypto'
import { KeyedHash } from './keyed-hash.ts'
import { addressIdentity } from './route-limits.ts'

const WAYS = 8
const SETS = 16_384
const SECRET_CELLS = 1
/** 64-bit cells that all workers share. */
export const CONNECTION_COUNT_CELLS = SECRET_CELLS + SETS * WAYS

const COUNT_BITS = 24n
const COUNT_MASK = (1n << COUNT_BITS) - 1n
const MARKS = 2 ** 32

export interface ConnectionCountMemory {
  /** CONNECTION_COUNT_CELLS of 64 bits, all zero when nobody has used them. */
  readonly shared: SharedArrayBuffer
  /** As many of 32 bits, of one worker: what it added to each. */
  readonly own: SharedArrayBuffer
}

/** One worker's view of the counts. */
export class ConnectionCounts {
  readonly #cells: BigInt64Array
  readonly #own: Int32Array
  #limit: number
  readonly #hash: KeyedHash

  constructor({ shared, own }: ConnectionCountMemory, limit: number) {
    this.#cells = new BigInt64Array(shared)
    this.#own = new Int32Array(own)
    this.#limit = limit
    this.#hash = sharedHash(this.#cells)
  }

  /** Another bound, for those that come from now on. */
  setLimit(limit: number): void {
    this.#limit = limit
  }

  /** Counts a connection from this address; null when it has as many as it may. What is returned takes it off again. */
  take(address: string): (() => void) | null {
    this.#hash.update(addressIdentity(address))
    const { low, high } = this.#hash
    const first = SECRET_CELLS + (low % SETS) * WAYS
    // 0 marks a cell that nobody has used.
    const mark = BigInt(1 + (high % (MARKS - 1)))
    for (;;) {
      let count = 0
      let chosen = -1
      let free = -1
      for (let cell = first; cell < first + WAYS; cell++) {
        const held = Atomics.load(this.#cells, cell)
        const inCell = Number(held & COUNT_MASK)
        if (inCell === 0) free = cell
        else if (held >> COUNT_BITS === mark) {
          count += inCell
          chosen = cell
        }
      }
      if (count >= this.#limit) return null
      if (chosen < 0) chosen = free
      if (chosen < 0) return uncounted
      if (this.#add(chosen, mark)) return () => this.#release(chosen)
    }
  }

  #add(cell: number, mark: bigint): boolean {
    const held = Atomics.load(this.#cells, cell)
    const count = held & COUNT_MASK
    // Another thread may have taken the cell since it was looked at.
    if (count > 0n && held >> COUNT_BITS !== mark) return false
    if (Atomics.compareExchange(this.#cells, cell, held, (mark << COUNT_BITS) | (count + 1n)) !== held) return false
    Atomics.add(this.#own, cell, 1)
    return true
  }

  #release(cell: number): void {
    // In this order, so that a thread that dies in between leaves one too many, and nobody else loses one.
    Atomics.sub(this.#own, cell, 1)
    takeOff(this.#cells, cell, 1)
  }
}

/** Takes off what a dead worker had counted. */
export function clearConnectionCounts({ shared, own }: ConnectionCountMemory): void {
  const cells = new BigInt64Array(shared)
  for (const [cell, count] of new Int32Array(own).entries()) if (count > 0) takeOff(cells, cell, count)
}

function takeOff(cells: BigInt64Array, cell: number, count: number): void {
  for (;;) {
    const held = Atomics.load(cells, cell)
    const found = held & COUNT_MASK
    const off = BigInt(count) < found ? BigInt(count) : found
    if (Atomics.compareExchange(cells, cell, held, held - off) === held) return
  }
}

function uncounted(): void {
  // nothing was counted
}

/** Its key is made by the first thread that comes: who knew it could choose whom to share a set with. */
function sharedHash(cells: BigInt64Array): KeyedHash {
  Atomics.compareExchange(cells, 0, 0n, randomBytes(8).readBigInt64LE() | 1n)
  const key = Atomics.load(cells, 0)
  return new KeyedHash(Number(BigInt.asIntN(32, key)), Number(BigInt.asIntN(32, key >> 32n)))
}
