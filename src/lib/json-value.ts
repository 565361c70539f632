import { skipString } from './json-string.ts'

const COMMA = 0x2c
const COLON = 0x3a
const QUOTE = 0x22
const OBJECT_OPEN = 0x7b
const OBJECT_CLOSE = 0x7d
const ARRAY_OPEN = 0x5b
const ARRAY_CLOSE = 0x5d
/** A member, an object or a list is as much work for whoever reads the body as this many plain values of a list. */
export const MEMBER_WEIGHT = 8

/** Returns the offset of the first byte at or after `start` that is no JSON white space; the length if there is none. */
export function skipSpace(bytes: Uint8Array, start: number): number {
  let at = start
  while (at < bytes.length) {
    const byte = bytes[at]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break
    at++
  }
  return at
}

/**
 * Returns the offset of the value of the member whose key's quote is expected at `at`, or `~offset` of the fault.
 */
function skipKey(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== QUOTE) return ~at
  const keyEnd = skipString(bytes, at + 1)
  return keyEnd < 0 ? keyEnd : skipColon(bytes, keyEnd)
}

/** Returns the offset of the value after the colon that is expected at `at` or after white space, or `~offset`. */
export function skipColon(bytes: Uint8Array, at: number): number {
  const colon = skipSpace(bytes, at)
  return bytes[colon] === COLON ? skipSpace(bytes, colon + 1) : ~colon
}

/** Skips whole JSON values without building them and without recursion; one per scanner, because it keeps a stack. */
export class ValueSkipper {
  /** Whether the last negative answer was for nesting beyond the limit, and not for a fault of syntax. */
  tooDeep = false
  /** The same for more than is taken. */
  tooMany = false
  /** How much was skipped since it was last set, in eighths, where it is limited. */
  weight = 0
  /** The closing byte that each open container waits for. */
  readonly #closers: Uint8Array
  readonly #maxWeight: number

  constructor(maxDepth: number, maxMembers: number | null = null) {
    this.#closers = new Uint8Array(maxDepth)
    this.#maxWeight = maxMembers === null ? 0 : maxMembers * MEMBER_WEIGHT
  }

  /**
   * Returns the offset after the value that begins at `start`, or `~offset` of the first byte at fault.
   * Accepts what `JSON.parse` accepts, up to `maxDepth` levels of containers in the value, and up to `maxMembers` members,
   * objects and lists in all, of which eight plain values of a list count as one.
   */
  skip(bytes: Uint8Array, start: number): number {
    const closers = this.#closers
    let depth = 0
    let at = start
    this.tooDeep = false
    this.tooMany = false
    const most = this.#maxWeight === 0 ? Number.MAX_SAFE_INTEGER : this.#maxWeight
    let weight = this.#maxWeight === 0 ? 0 : this.weight
    value: for (;;) {
      const opening = bytes[at]
      if (++weight > most) {
        this.tooMany = true
        return ~at
      }
      if (opening === QUOTE) {
        at = skipString(bytes, at + 1)
        if (at < 0) return at
      } else if (opening === OBJECT_OPEN || opening === ARRAY_OPEN) {
        if (depth === closers.length) {
          this.tooDeep = true
          return ~at
        }
        weight += MEMBER_WEIGHT
        // In ASCII both closing brackets stand two places after their opening ones.
        const closer = opening + 2
        at = skipSpace(bytes, at + 1)
        if (bytes[at] !== closer) {
          closers[depth++] = closer
          if (closer === OBJECT_CLOSE) {
            weight += MEMBER_WEIGHT
            at = skipKey(bytes, at)
            if (at < 0) return at
          }
          continue
        }
        at++
      } else {
        at = skipScalar(bytes, at)
        if (at < 0) return at
      }
      while (depth > 0) {
        at = skipSpace(bytes, at)
        const byte = bytes[at]
        const closer = closers[depth - 1]
        if (byte === COMMA) {
          at = skipSpace(bytes, at + 1)
          if (closer === ARRAY_CLOSE) continue value
          weight += MEMBER_WEIGHT
          at = skipKey(bytes, at)
          if (at < 0) return at
          continue value
        }
        if (byte !== closer) return ~at
        depth--
        at++
      }
      this.weight = weight
      return at
    }
  }
}

function skipScalar(bytes: Uint8Array, at: number): number {
  switch (bytes[at]) {
    case 0x74:
      return skipWord(bytes, at, 'true')
    case 0x66:
      return skipWord(bytes, at, 'false')
    case 0x6e:
      return skipWord(bytes, at, 'null')
    default:
      return skipNumber(bytes, at)
  }
}

function skipWord(bytes: Uint8Array, start: number, word: string): number {
  for (let index = 1; index < word.length; index++) {
    if (bytes[start + index] !== word.charCodeAt(index)) return ~Math.min(start + index, bytes.length)
  }
  return start + word.length
}

function skipNumber(bytes: Uint8Array, start: number): number {
  let at = bytes[start] === 0x2d ? start + 1 : start
  if (bytes[at] === 0x30) at++
  else {
    const integer = skipDigits(bytes, at)
    if (integer === at) return ~at
    at = integer
  }
  if (bytes[at] === 0x2e) {
    const fraction = skipDigits(bytes, at + 1)
    if (fraction === at + 1) return ~fraction
    at = fraction
  }
  if (bytes[at] === 0x65 || bytes[at] === 0x45) {
    const sign = bytes[at + 1]
    const digits = sign === 0x2b || sign === 0x2d ? at + 2 : at + 1
    at = skipDigits(bytes, digits)
    if (at === digits) return ~at
  }
  return at
}

function skipDigits(bytes: Uint8Array, start: number): number {
  let at = start
  while (at < bytes.length) {
    const byte = bytes[at]
    if (byte === undefined || byte < 0x30 || byte > 0x39) break
    at++
  }
  return at
}
