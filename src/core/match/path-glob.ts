/**
 * Globs over paths, segment by segment: `*` stands for any characters within a segment, `**` for any number of whole
 * segments, none among them. At the end of a pattern both stand for everything beneath: `/api/*` matches `/api/`,
 * `/api/a` and `/api/a/b`, and not `/api`.
 */
import { PatternError } from './pattern-error.ts'
import { Wildcard } from './wildcard.ts'

/** Whole segments, as many as it takes. */
const ACROSS = '**'
const MAX_ACROSS = 4

export class PathGlob {
  /** What every path that matches begins with. */
  readonly literalStart: string
  /** How many characters are no wildcard. */
  readonly literalLength: number
  readonly #segments: readonly (Wildcard | typeof ACROSS)[]
  readonly #endsBeneath: boolean

  /** `pattern` begins with a slash, is canonical, and has at least one star. */
  constructor(pattern: string) {
    const segments = pattern.slice(1).split('/')
    const last = segments.at(-1)
    this.#endsBeneath = last === '*' || last === ACROSS
    if (this.#endsBeneath) segments.pop()
    for (const segment of segments) {
      if (segment !== ACROSS && segment.includes(ACROSS)) {
        throw new PatternError(`"${pattern}" has "**" within a segment; "**" must be a whole segment, as in /a/**/b`)
      }
    }
    this.#segments = segments.map((segment) => (segment === ACROSS ? ACROSS : new Wildcard(segment)))
    if (this.#segments.filter((segment) => segment === ACROSS).length > MAX_ACROSS) {
      throw new PatternError(`"${pattern}" has more than ${MAX_ACROSS} times "**"; write fewer, or a regex`)
    }
    this.literalStart = pattern.slice(0, pattern.indexOf('*'))
    this.literalLength = pattern.replaceAll('*', '').length
  }

  /**
   * True when the whole path matches. The text of each wildcard is put into `spans` as its start and end, in the order
   * of the pattern; what a final `/*` or `/**` stands for comes last.
   */
  matches(path: string, spans: number[] | null): boolean {
    const segments = this.#segments
    let index = 0
    let at = 1 // behind a slash, where a segment begins; behind the end when there is none left
    let across = -1
    let retryAt = 0
    let retrySpans = 0
    for (;;) {
      const segment = segments[index]
      if (segment === undefined) {
        if (this.#endsBeneath !== at > path.length) {
          if (this.#endsBeneath) spans?.push(at, path.length)
          return true
        }
      } else if (segment === ACROSS) {
        across = index++
        retryAt = at
        retrySpans = spans?.length ?? 0
        spans?.push(at, at)
        continue
      } else if (at <= path.length) {
        const end = segmentEnd(path, at)
        if (segment.matches(path, at, end, spans)) {
          index++
          at = end + 1
          continue
        }
      }
      // What follows the latest `**` fails here: let it take one segment more.
      if (across < 0 || retryAt > path.length) return false
      const start = spans?.[retrySpans] ?? 0
      const end = segmentEnd(path, retryAt)
      retryAt = end + 1
      index = across + 1
      at = retryAt
      if (spans !== null) {
        spans.length = retrySpans
        spans.push(start, end)
      }
    }
  }
}

function segmentEnd(path: string, from: number): number {
  const slash = path.indexOf('/', from)
  return slash < 0 ? path.length : slash
}
