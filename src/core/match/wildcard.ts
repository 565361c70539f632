/**
 * Text with `*`, which stands for any characters, none among them. Matching remembers only the latest `*`: if the rest
 * fails, that one takes a character more. An earlier one never needs to, so the time is bounded by length × length.
 */
import { PatternError } from './pattern-error.ts'

/** More stars than anyone means, and what keeps the work for one text small. */
const MAX_STARS = 16

export class Wildcard {
  /** The literal pieces around the stars: one more than there are stars. */
  readonly pieces: readonly string[]

  constructor(pattern: string) {
    if (pattern.includes('**')) throw new PatternError(`"${pattern}" has "**" where "*" is enough; write one star`)
    this.pieces = pattern.split('*')
    if (this.pieces.length - 1 > MAX_STARS) {
      throw new PatternError(`"${pattern}" has more than ${MAX_STARS} stars; write fewer, or a regex`)
    }
  }

  /**
   * True when the text between `from` and `to` matches. Each star's text is put into `spans` as start and end, from
   * `spans.length` on; each star but the last takes as little as it can.
   */
  matches(text: string, from: number, to: number, spans: number[] | null): boolean {
    const { pieces } = this
    const [first = ''] = pieces
    const last = pieces.at(-1) ?? ''
    if (pieces.length === 1) return to - from === first.length && text.startsWith(first, from)
    if (to - from < first.length + last.length) return false
    if (!text.startsWith(first, from) || !text.startsWith(last, to - last.length)) return false
    let at = from + first.length
    const end = to - last.length
    const before = spans?.length ?? 0
    for (let index = 1; index < pieces.length - 1; index++) {
      const piece = pieces[index] as string // in range
      const found = text.indexOf(piece, at)
      if (found < 0 || found + piece.length > end) {
        if (spans !== null) spans.length = before
        return false
      }
      spans?.push(at, found)
      at = found + piece.length
    }
    spans?.push(at, end)
    return true
  }
}
