/*
 * How many tokens a text has, without a tokenizer: one pass over its characters, by classes. Weights are fitted to
 * o200k_base, the public encoding that is nearest to those of today's models; the test beside this file holds the error.
 */

/** Characters of one kind that a token has at most, roughly, where a run of them is cut. */
const LETTERS_PER_TOKEN = 7
const DIGITS_PER_TOKEN = 3
const MARKS_PER_TOKEN = 2
const SPACES_PER_TOKEN = 12
/** Tokens of one character of other scripts. */
const ALPHABET_WEIGHT = 0.3
const IDEOGRAPH_WEIGHT = 0.72
const OTHER_WEIGHT = 1.2

type Kind = 'letter' | 'digit' | 'mark' | 'space' | 'line' | 'alphabet' | 'ideograph' | 'other'

/** Of more text than this, pieces are read, evenly spread over all of it. */
const MOST_READ = 1_000_000
const PIECE = 10_000

/** Estimates the tokens of texts. The work is bounded: of very much text a part stands for the whole. */
export function estimateTexts(texts: readonly string[]): number {
  const length = texts.reduce((sum, text) => sum + text.length, 0)
  if (length <= MOST_READ) return texts.reduce((sum, text) => sum + estimateText(text), 0)
  const step = Math.ceil(length / (MOST_READ / PIECE))
  let [tokens, read, skipped] = [0, 0, 0]
  for (const text of texts) {
    let at = skipped
    for (; at < text.length; at += step) {
      const piece = text.slice(at, at + PIECE)
      tokens += estimateText(piece)
      read += piece.length
    }
    skipped = at - text.length
  }
  return read === 0 ? length : Math.ceil((tokens * length) / read)
}

/** Estimates the tokens of a text; linear in its length, and 0 for an empty one. */
export function estimateText(text: string): number {
  let tokens = 0
  let kind: Kind | null = null
  let run = 0
  for (let at = 0; at < text.length; at++) {
    const next = kindOf(text.charCodeAt(at))
    if (next === kind) {
      run++
      continue
    }
    if (kind !== null) tokens += tokensOf(kind, run, next)
    kind = next
    run = 1
  }
  if (kind !== null) tokens += tokensOf(kind, run, null)
  return Math.ceil(tokens)
}

function tokensOf(kind: Kind, run: number, next: Kind | null): number {
  switch (kind) {
    case 'letter':
      return run <= LETTERS_PER_TOKEN ? 1 : 1 + (run - LETTERS_PER_TOKEN) / 5
    case 'digit':
      return Math.ceil(run / DIGITS_PER_TOKEN)
    case 'mark':
      return Math.ceil(run / MARKS_PER_TOKEN) * 0.9
    case 'space':
      // One space belongs to the word behind it.
      return run === 1 && next !== 'digit' ? 0 : Math.ceil(run / SPACES_PER_TOKEN)
    case 'line':
      // Often one token with the mark before it.
      return 0.6
    case 'alphabet':
      return Math.max(1, run * ALPHABET_WEIGHT)
    case 'ideograph':
      return run * IDEOGRAPH_WEIGHT
    case 'other':
      return run * OTHER_WEIGHT
  }
}

function kindOf(code: number): Kind {
  if (code < 0x80) return ASCII[code] ?? 'mark'
  if (code < 0x0590) return 'alphabet'
  // Arabic, Hebrew, scripts of India and South-East Asia, Georgian.
  if (code < 0x1100) return 'alphabet'
  if (code < 0x2e80) return code < 0x1200 || code >= 0x2000 ? 'other' : 'alphabet'
  if (code < 0xd7b0) return 'ideograph'
  // Two halves make one character, mostly an emoji.
  return code < 0xf900 ? 'other' : 'ideograph'
}

const ASCII: readonly Kind[] = Array.from({ length: 0x80 }, (_, code): Kind => {
  const char = String.fromCharCode(code)
  if (/[A-Za-z]/.test(char)) return 'letter'
  if (/\d/.test(char)) return 'digit'
  if (char === '\n' || char === '\r') return 'line'
  return char === ' ' || char === '\t' ? 'space' : 'mark'
})
