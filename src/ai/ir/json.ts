import { randomBytes } from 'node:crypto'

/** A JSON object of the wire. Its members are unknown until they are read. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Whether a value is a JSON object: no array, no null, no number that is kept as its text. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawNumber(value)
}

/** The object that a text, or bytes of UTF-8, are as JSON; null for what is none, which tells nothing. */
export function objectIn(text: string | Buffer): JsonObject | null {
  try {
    const value: unknown = JSON.parse(typeof text === 'string' ? text : text.toString('utf8'))
    return isObject(value) ? value : null
  } catch {
    return null // a page, or a cut body
  }
}

/** JSON text that `writeJson` puts in as it is: arguments whose numbers and order nobody may touch. */
export class RawJson {
  readonly text: string

  /** `text` must be valid JSON; nobody checks it again. */
  constructor(text: string) {
    this.text = text
  }

  toJSON(): string {
    waiting.push(this.text)
    return `${MARK}${waiting.length - 1}`
  }
}

/** Nobody outside can know it, so no text of a client can stand for a piece. */
const MARK = `ferro-raw:${randomBytes(16).toString('hex')}:`
const PIECE = new RegExp(`"${MARK}(\\d+)"`, 'g')
let waiting: string[] = []

/** JSON text of a value that may hold `RawJson` anywhere. */
export function writeJson(value: unknown): string {
  waiting = []
  const text = JSON.stringify(value)
  if (waiting.length === 0) return text
  const pieces = waiting
  waiting = []
  return text.replace(PIECE, (_, index: string) => pieces[Number(index)] ?? 'null')
}

/** A number with more digits than a double holds may be in there. */
const LONG_NUMBER = /\d{16}|\d[eE][+-]?\d/

/**
 * Parses JSON without rounding: a number that a double cannot hold becomes `JSON.rawJSON`, which is written again as
 * it stood. Throws SyntaxError.
 */
export function parseExact(text: string): unknown {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text)
  return JSON.parse(text, keepNumber)
}

function keepNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source
  if (typeof value !== 'number' || source === undefined || String(value) === source) return value
  return isSameNumber(value, source) ? value : rawJson(source)
}

/** Whether the double stands for exactly what the digits say: `1.0` and `1e2` do, 2^53 + 1 does not. */
function isSameNumber(value: number, source: string): boolean {
  const digits = source
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+/, '')
    .replace(/0+$/, '')
  return Number.isFinite(value) && digits.length <= 15
}

interface RawNumbers {
  readonly rawJSON: (text: string) => unknown
  readonly isRawJSON: (value: unknown) => boolean
}
// The types of this TypeScript do not name these two functions of ES2026 yet.
const { rawJSON: rawJson, isRawJSON: isRawNumber } = JSON as unknown as RawNumbers
