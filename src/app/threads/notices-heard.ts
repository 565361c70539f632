/** So many notices there were, in this count of them. */
export interface NoticesSaid {
  readonly changes: number
  readonly log: string
}

/** Notices come as messages, which may get lost, and are numbered: what is missing is read from the store. */
export class NoticesHeard {
  readonly #tell: (text: string) => void
  #last: number | null = null
  /** Which count the numbers are of: a store that has lost its notices begins another. */
  #log: string | null = null
  #reading = false

  constructor(tell: (text: string) => void) {
    this.#tell = tell
  }

  hear(number: number, text: string): void {
    if (this.#last === null || number !== this.#last + 1) return // what lies between is read first
    this.#last = number
    this.#tell(text)
  }

  /** The store has given out so many numbers; what was before this thread is known from elsewhere. */
  caughtUp({ changes: count, log }: NoticesSaid, read: () => Promise<readonly (readonly [number, string])[]>): void {
    if (this.#last === null) this.#last = count
    else if (log !== this.#log) this.#last = 0
    this.#log = log
    if (count === this.#last || this.#reading) return
    this.#reading = true
    void this.#catchUp(read)
  }

  async #catchUp(read: () => Promise<readonly (readonly [number, string])[]>): Promise<void> {
    try {
      for (const [number, text] of await read()) {
        if (number <= (this.#last ?? 0)) continue
        this.#last = number
        this.#tell(text)
      }
    } catch {
      // The session ends with it, and the next one reads.
    } finally {
      this.#reading = false
    }
  }
}
