const MOST_LINES = 24
/** Heads that are longer are not remembered: what is kept of a line keeps all of its head. */
const LONGEST_HEAD = 2_048
const CR = 0x0d
const LF = 0x0a

/**
 * The header lines of the heads that came before on a connection, by their place: most lines of the next head stand there
 * again as they were, and need not be cut and checked anew.
 */
export class KnownLines {
  readonly #texts: string[] = []
  readonly #names: string[] = []
  readonly #values: string[] = []
  /** Of the line that was found last. */
  name = ''
  value = ''

  /** The end of the line at `from` when it is the one that is known for its place; else -1. */
  find(text: string, from: number, place: number): number {
    const known = this.#texts[place]
    if (known === undefined || !text.startsWith(known, from)) return -1
    const end = from + known.length
    if (end < text.length && (text.charCodeAt(end) !== CR || text.charCodeAt(end + 1) !== LF)) return -1
    this.name = this.#names[place] as string // as long as texts
    this.value = this.#values[place] as string // as above
    return end
  }

  /** The line from `from` to `to` was read as this header. */
  learn(text: string, from: number, to: number, place: number, header: { name: string; value: string }): void {
    if (place >= MOST_LINES || place > this.#texts.length || text.length > LONGEST_HEAD) return
    this.#texts[place] = text.slice(from, to)
    this.#names[place] = header.name
    this.#values[place] = header.value
  }
}
