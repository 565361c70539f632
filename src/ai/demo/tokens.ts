/*
 * The demo provider's own rule for tokens: a token is a run of letters, digits and characters beyond ASCII, or one
 * character of ASCII punctuation. White space is none. "Hello, world!" has four.
 */

/** Tokens of a text. */
export function countTokens(text: string): number {
  return scan(text, Number.POSITIVE_INFINITY).count
}

/** The beginning of a text that has at most `limit` tokens. */
export function firstTokens(text: string, limit: number): string {
  return text.slice(0, scan(text, limit).end)
}

function scan(text: string, limit: number): { readonly count: number; readonly end: number } {
  let count = 0
  let inWord = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const space = code <= 0x20
    const word = !space && isWordCode(code)
    if (!space && !(word && inWord)) {
      if (count === limit) return { count, end: i }
      count++
    }
    inWord = word
  }
  return { count, end: text.length }
}

function isWordCode(code: number): boolean {
  return (
    (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) || code >= 0x80
  )
}

const PART_CHARACTERS = 24

/** A text in the parts that a stream sends it in: a word with the white space before it, long words in several. */
export function* streamParts(text: string): Generator<string> {
  let end = 0
  for (const match of text.matchAll(/\s*\S+/g)) {
    end = match.index + match[0].length
    let part = match[0]
    while (part.length > PART_CHARACTERS) {
      const cutsPair = /[\ud800-\udbff]/.test(part[PART_CHARACTERS - 1] ?? '')
      const length = cutsPair ? PART_CHARACTERS - 1 : PART_CHARACTERS
      yield part.slice(0, length)
      part = part.slice(length)
    }
    yield part
  }
  if (end < text.length) yield text.slice(end)
}
