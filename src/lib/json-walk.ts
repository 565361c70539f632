import { skipString } from './json-string.ts'
import { skipColon, skipSpace, ValueSkipper } from './json-value.ts'

/*
 * Walks into JSON that a scan has accepted, one level at a time and each byte once: whoever visits a value says where
 * it ends, by walking into it or by `skipValue`. Nothing is built. On bytes that no scan has accepted the answers mean
 * nothing.
 */

const COMMA = 0x2c
const OBJECT_OPEN = 0x7b
const ARRAY_OPEN = 0x5b
const OBJECT_CLOSE = 0x7d
const ARRAY_CLOSE = 0x5d
/** As deep as any scan goes. */
const DEEPEST = 512

const skipper = new ValueSkipper(DEEPEST)

/** Returns the offset after the value at `at`. */
export function skipValue(bytes: Uint8Array, at: number): number {
  return skipper.skip(bytes, at)
}

/** Visits every item of the array at `at`, and returns the offset after it; what is no array is passed over. */
export function walkItems(bytes: Uint8Array, at: number, visit: (at: number) => number): number {
  if (bytes[at] !== ARRAY_OPEN) return skipValue(bytes, at)
  let next = skipSpace(bytes, at + 1)
  if (bytes[next] === ARRAY_CLOSE) return next + 1
  for (;;) {
    next = skipSpace(bytes, visit(next))
    if (bytes[next] !== COMMA) return next + 1
    next = skipSpace(bytes, next + 1)
  }
}

/**
 * Visits every member of the object at `at`, and returns the offset after it; what is no object is passed over. The
 * key is given as it is written, between its quotes: one with an escape in it is not equal to its plain spelling.
 */
export function walkMembers(
  bytes: Buffer,
  at: number,
  visit: (at: number, keyStart: number, keyEnd: number) => number,
): number {
  if (bytes[at] !== OBJECT_OPEN) return skipValue(bytes, at)
  let next = skipSpace(bytes, at + 1)
  if (bytes[next] === OBJECT_CLOSE) return next + 1
  for (;;) {
    const keyEnd = skipString(bytes, next + 1)
    next = skipSpace(bytes, visit(skipColon(bytes, keyEnd), next + 1, keyEnd - 1))
    if (bytes[next] !== COMMA) return next + 1
    next = skipSpace(bytes, next + 1)
  }
}
