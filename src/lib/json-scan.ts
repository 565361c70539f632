import { isUtf8 } from 'node:buffer'
import { skipString } from './json-string.ts'
import { MEMBER_WEIGHT, skipColon, skipSpace, ValueSkipper } from './json-value.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OBJECT_OPEN = 0x7b
const OBJECT_CLOSE = 0x7d
/** Six bytes, `\u006d`, are the longest way to write one ASCII character in a JSON string. */
const LONGEST_ESCAPE = 6
const FIELDS = 4

/** Why a body is refused. */
export type ScanFailureKind =
  | 'not-json'
  | 'not-object'
  | 'duplicate-key'
  | 'too-deep'
  | 'too-many'
  | 'invalid-utf8'
  | 'trailing-data'
  | 'bom'

/** A refused body: why, at which byte, and for `duplicate-key` the governed key that appeared twice. */
export interface ScanFailure {
  readonly kind: ScanFailureKind
  readonly offset: number
  readonly key?: string
}

/** What a scan found: an object, or why the body is refused. */
export type ScanResult = ScannedObject | ScanFailure

/**
 * Where the governed keys of one object stand, as byte offsets in the scanned buffer; -1 when the key is absent.
 * A key is known by its index in the list that the scanner was made with. The scanner overwrites its object at each
 * scan: who keeps it beyond the current turn takes a `copy()`.
 */
export class ScannedObject {
  readonly kind = 'object'
  /** The governed keys, in the order of their indexes. */
  readonly keys: readonly string[]
  /** Four offsets for each governed key: key start, key end, value start, value end. */
  readonly positions: Int32Array
  /** Offset of the root's `{`. */
  open = -1
  /** Offset of the root's `}`. */
  close = -1

  constructor(keys: readonly string[]) {
    this.keys = keys
    this.positions = new Int32Array(keys.length * FIELDS)
  }

  /** Whether the object has this key. */
  has(index: number): boolean {
    return this.valueEnd(index) !== -1
  }

  /** Offset of the key's opening quote. */
  keyStart(index: number): number {
    return this.positions[index * FIELDS] ?? -1
  }

  /** Offset after the key's closing quote. */
  keyEnd(index: number): number {
    return this.positions[index * FIELDS + 1] ?? -1
  }

  /** Offset of the value's first byte. */
  valueStart(index: number): number {
    return this.positions[index * FIELDS + 2] ?? -1
  }

  /** Offset after the value's last byte. */
  valueEnd(index: number): number {
    return this.positions[index * FIELDS + 3] ?? -1
  }

  /** A copy that later scans leave alone. */
  copy(): ScannedObject {
    const copy = new ScannedObject(this.keys)
    copy.positions.set(this.positions)
    copy.open = this.open
    copy.close = this.close
    return copy
  }
}

/** Scans request bodies for a fixed list of governed top-level keys; one per thread is enough. */
export interface JsonScanner {
  /**
   * Reads the whole body once, builds nothing, and accepts exactly what `JSON.parse` accepts with an object as its
   * root, less: a byte order mark, invalid UTF-8, nesting or members beyond the limits, and a governed key given twice (however it
   * is escaped: else the gateway could read one model and the upstream another). Never throws.
   */
  scan(bytes: Buffer): ScanResult
}

/**
 * Makes a scanner. Keys are printable ASCII without quote and backslash (an Error otherwise); `maxDepth` counts the
 * root as 1; `maxMembers` counts all members, objects and lists within it, and plain values of lists by the eight; endless when absent.
 */
export function createScanner(keys: readonly string[], options: ScannerOptions): JsonScanner {
  return new Scanner(keys, options)
}

export interface ScannerOptions {
  readonly maxDepth: number
  readonly maxMembers?: number | null
}

class Scanner implements JsonScanner {
  readonly #object: ScannedObject
  readonly #values: ValueSkipper
  readonly #indexOfKey: ReadonlyMap<string, number>
  /** Indexes of the governed keys by their length in bytes. */
  readonly #byLength: readonly (readonly number[])[]
  readonly #longestEscaped: number

  constructor(keys: readonly string[], { maxDepth, maxMembers = null }: ScannerOptions) {
    const byLength: number[][] = []
    for (const [index, key] of keys.entries()) {
      if (!/^[ !#-[\]-~]+$/.test(key)) throw new Error(`a governed key must be plain ASCII: ${JSON.stringify(key)}`)
      while (byLength.length <= key.length) byLength.push([])
      byLength[key.length]?.push(index)
    }
    this.#object = new ScannedObject(keys)
    this.#values = new ValueSkipper(maxDepth - 1, maxMembers)
    this.#indexOfKey = new Map(keys.map((key, index) => [key, index]))
    this.#byLength = byLength
    this.#longestEscaped = byLength.length * LONGEST_ESCAPE
    if (this.#indexOfKey.size !== keys.length) throw new Error('a governed key is listed twice')
  }

  scan(bytes: Buffer): ScanResult {
    const object = this.#object
    if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return { kind: 'bom', offset: 0 }
    if (!isUtf8(bytes)) return { kind: 'invalid-utf8', offset: firstInvalidByte(bytes) }
    let at = skipSpace(bytes, 0)
    if (bytes[at] !== OBJECT_OPEN) return { kind: beginsOtherValue(bytes[at]) ? 'not-object' : 'not-json', offset: at }
    object.open = at
    object.positions.fill(-1)
    this.#values.weight = 0
    at = skipSpace(bytes, at + 1)
    if (bytes[at] !== OBJECT_CLOSE) {
      for (;;) {
        const keyStart = at
        if (bytes[keyStart] !== QUOTE) return notJson(keyStart)
        const keyEnd = skipString(bytes, keyStart + 1)
        if (keyEnd < 0) return notJson(~keyEnd)
        const valueStart = skipColon(bytes, keyEnd)
        if (valueStart < 0) return notJson(~valueStart)
        this.#values.weight += MEMBER_WEIGHT
        const valueEnd = this.#values.skip(bytes, valueStart)
        if (valueEnd < 0) return { kind: this.#fault(), offset: ~valueEnd }
        const index = this.#governedIndex(bytes, keyStart + 1, keyEnd - 1)
        if (index !== -1) {
          if (object.has(index)) return { kind: 'duplicate-key', offset: keyStart, key: object.keys[index] ?? '' }
          const first = index * FIELDS
          object.positions[first] = keyStart
          object.positions[first + 1] = keyEnd
          object.positions[first + 2] = valueStart
          object.positions[first + 3] = valueEnd
        }
        at = skipSpace(bytes, valueEnd)
        if (bytes[at] === OBJECT_CLOSE) break
        if (bytes[at] !== COMMA) return notJson(at)
        at = skipSpace(bytes, at + 1)
      }
    }
    object.close = at
    at = skipSpace(bytes, at + 1)
    return at === bytes.length ? object : { kind: 'trailing-data', offset: at }
  }

  #fault(): ScanFailureKind {
    if (this.#values.tooDeep) return 'too-deep'
    return this.#values.tooMany ? 'too-many' : 'not-json'
  }

  #governedIndex(bytes: Buffer, start: number, end: number): number {
    const length = end - start
    // A longer key cannot be a governed one, whatever its escapes.
    if (length > this.#longestEscaped) return -1
    for (let at = start; at < end; at++) {
      if (bytes[at] === BACKSLASH) {
        // Between its quotes a key is a JSON string whose syntax has been checked.
        const key = JSON.parse(bytes.toString('utf8', start - 1, end + 1)) as string
        return this.#indexOfKey.get(key) ?? -1
      }
    }
    const candidates = this.#byLength[length]
    if (candidates === undefined) return -1
    for (const index of candidates) {
      if (equalsAscii(bytes, start, this.#object.keys[index] ?? '')) return index
    }
    return -1
  }
}

function equalsAscii(bytes: Buffer, start: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (bytes[start + index] !== text.charCodeAt(index)) return false
  }
  return true
}

function notJson(offset: number): ScanFailure {
  return { kind: 'not-json', offset }
}

function beginsOtherValue(byte: number | undefined): boolean {
  return byte !== undefined && '["-0123456789tfn'.includes(String.fromCharCode(byte))
}

/** Decoding puts U+FFFD where a sequence is invalid: the first difference is the fault. Only refused bodies pay for it. */
function firstInvalidByte(bytes: Buffer): number {
  const repaired = Buffer.from(bytes.toString('utf8'))
  let at = 0
  while (at < bytes.length && bytes[at] === repaired[at]) at++
  return at
}
