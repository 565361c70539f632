/**
 * Cells of 64 bits as numbers, and numbers as such cells. `Number(cell)` and `BigInt(number)` are calls into V8's runtime, of which
 * a request with limits on every level would make some hundreds; through memory of the thread's own the same is a store and
 * two loads (bench/micro/counters.ts). A number must be a safe integer, negative ones too; a cell beyond that is rounded.
 */
const word = new BigInt64Array(1)
const halves = new Int32Array(word.buffer)
const HIGH = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0
const LOW = 1 - HIGH
const HALF = 2 ** 32

export function numberOf(cell: bigint): number {
  word[0] = cell
  return (halves[HIGH] ?? 0) * HALF + ((halves[LOW] ?? 0) >>> 0)
}

/** The upper 32 bits, with their sign. */
export function highOf(cell: bigint): number {
  word[0] = cell
  return halves[HIGH] ?? 0
}

/** The lower 32 bits, without a sign. */
export function lowOf(cell: bigint): number {
  word[0] = cell
  return (halves[LOW] ?? 0) >>> 0
}

export function cellOf(number: number): bigint {
  // A store keeps the 32 bits that it has room for.
  halves[LOW] = number
  halves[HIGH] = Math.floor(number / HALF)
  return word[0] ?? 0n
}

/** The cell with these 32 bits above the whole ones of a number, to which they are added. */
export function cellAbove(high: number, number: number): bigint {
  halves[LOW] = number
  halves[HIGH] = high + Math.floor(number / HALF)
  return word[0] ?? 0n
}
