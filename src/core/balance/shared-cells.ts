/**
 * Words that several fields share, so that one compare-and-swap changes them together:
 *
 *   63                              24 23                 0
 *   ┌─────────────────────────────────┬────────────────────┐
 *   │ time: milliseconds (17 years)   │ flags and counters │
 *   └─────────────────────────────────┴────────────────────┘
 *
 * The lower half is also read alone, as a 32-bit integer: that tells the usual state from all others without the BigInt
 * that a 64-bit load makes. Loads of an aligned half never tear on the processors that we run on.
 */

/** One region, seen as whole words and as their halves. */
export interface SharedCells {
  readonly words: BigInt64Array
  readonly halves: Int32Array
}

/** Views a region made by `createCounters`. */
export function viewCells(region: SharedArrayBuffer): SharedCells {
  return { words: new BigInt64Array(region), halves: new Int32Array(region) }
}

/**
 * Reads a half without `Atomics`, for what is read for every target of every request: 1 ns instead of 25
 * (bench/micro/balance.ts). The value is whole, and as new as the processor's cache; nothing else is known about the
 * order of reads, so that only cells that are understood by themselves are read like this.
 */
export function glance(halves: Int32Array, at: number): number {
  return halves[at] ?? 0
}

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

/** Where a word's lower half is among the halves. */
export function lowerHalf(word: number): number {
  return word * 2 + (LITTLE_ENDIAN ? 0 : 1)
}

const LOW_BITS = 24n
const LOW_MASK = 0xff_ff_ffn

/** A word of a time and 24 bits. */
export function packWord(timeMs: number, low: number): bigint {
  return (BigInt(Math.floor(timeMs)) << LOW_BITS) | BigInt(low)
}

/** The time of a word. */
export function timeOf(word: bigint): number {
  return Number(word >> LOW_BITS)
}

/** The 24 bits of a word. */
export function lowOf(word: bigint): number {
  return Number(word & LOW_MASK)
}
