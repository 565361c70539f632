import type { SegmentName } from './format.ts'

/** What the journal may still tell of: told again after its rows are gone, a request would be counted a second time. */
export class JournalHorizon {
  /** By segment name, a moment at or before its first entry. */
  readonly #since = new Map<string, number>()
  #begun = false

  /** Takes notice of the segments that are there now; called whenever they are listed. */
  see(segments: readonly SegmentName[], nowMs: number): void {
    const names = new Set(segments.map(({ name }) => name))
    for (const name of this.#since.keys()) if (!names.has(name)) this.#since.delete(name)
    for (const { name, startMs } of segments) {
      // One that was there before us may be as old as its worker.
      if (!this.#since.has(name)) this.#since.set(name, this.#begun ? nowMs : startMs)
    }
    this.#begun = true
  }

  /** No entry of any segment is older; infinite without segments. */
  get sinceMs(): number {
    return Math.min(...this.#since.values())
  }
}
