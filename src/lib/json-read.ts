const QUOTE = 0x22

/**
 * The text of the JSON string that stands at [start, end) in a body whose scan succeeded; null when another kind of
 * value stands there.
 */
export function readString(bytes: Buffer, start: number, end: number): string | null {
  if (bytes[start] !== QUOTE) return null
  const text = bytes.toString('utf8', start + 1, end - 1)
  if (!text.includes('\\')) return text
  // Between quotes and after a successful scan this is always a string.
  return JSON.parse(`"${text}"`) as string
}

/** The JSON value that stands at [start, end); throws a SyntaxError when there is none. */
export function readJson(bytes: Buffer, start: number, end: number): unknown {
  return JSON.parse(bytes.toString('utf8', start, end))
}
