/** Parts of a buffer that are left out or replaced, in order; the buffer itself when there are none. */
export class EditedPart {
  readonly #source: Buffer
  #pieces: Buffer[] | null = null
  #from = 0

  constructor(source: Buffer) {
    this.#source = source
  }

  remove(start: number, end: number): void {
    this.#pieces ??= []
    if (start > this.#from) this.#pieces.push(this.#source.subarray(this.#from, start))
    this.#from = end
  }

  replace(start: number, end: number, bytes: Buffer): void {
    this.remove(start, end)
    this.#pieces?.push(bytes)
  }

  finish(): Buffer | null {
    return this.#pieces === null ? this.#source : this.upTo(this.#source.length)
  }

  /** What there is in front of `end`; ends the use of this object. */
  upTo(end: number): Buffer | null {
    this.#pieces ??= []
    if (this.#from < end) this.#pieces.push(this.#source.subarray(this.#from, end))
    const first = this.#pieces[0]
    if (first === undefined) return null
    return this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces)
  }
}
