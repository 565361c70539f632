/**
 * JSON text for lines that people read in terminals: what `JSON.stringify` writes, and further escapes for characters
 * that are valid in JSON but move the cursor, break lines or reorder text (C1 controls, DEL, U+2028, bidirectional
 * overrides), so that a logged value can never forge a line.
 */

/** Escaped though JSON does not ask for it. In JSON text these occur in string literals only, so that all may be replaced. */
const UNSAFE = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/** True when `text` is printable ASCII alone, which needs none of the further escapes. */
export function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x20 || code > 0x7e) return false
  }
  return true
}

/** JSON text of the same value, one line, safe to print. */
export function escapeUnsafe(json: string): string {
  return json.replace(UNSAFE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The first `limit` characters (UTF-16 units), or one less where that would cut a surrogate pair. */
export function cut(text: string, limit: number): string {
  const last = text.charCodeAt(limit - 1)
  const next = text.charCodeAt(limit)
  const inPair = last >= 0xd800 && last < 0xdc00 && next >= 0xdc00 && next < 0xe000
  return text.slice(0, inPair ? limit - 1 : limit)
}
