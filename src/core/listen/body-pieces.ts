/** Smaller pieces are copied together: as buffers of their own they would cost many times their length. */
const SMALL_BYTES = 4_096
const PAGE_BYTES = 16_384
const EMPTY = Buffer.alloc(0)

/** Pieces of a body until it is complete: memory stays near their length, however small they come. */
export class BodyPieces {
  #first: Buffer | null = null
  #more: Buffer[] | null = null
  /** Where small pieces go; the first `#used` bytes are taken. */
  #page: Buffer | null = null
  #used = 0

  push(piece: Buffer): void {
    if (this.#first === null) this.#first = piece
    else if (piece.length >= SMALL_BYTES) {
      this.#closePage()
      this.#keep(piece)
    } else this.#pack(piece)
  }

  /** All pieces as one. */
  joined(): Buffer {
    this.#closePage()
    const first = this.#first ?? EMPTY
    return this.#more === null ? first : Buffer.concat([first, ...this.#more])
  }

  clear(): void {
    this.#first = null
    this.#more = null
    this.#page = null
  }

  #pack(piece: Buffer): void {
    if (this.#page !== null && this.#used + piece.length > PAGE_BYTES) this.#closePage()
    if (this.#page === null) {
      this.#page = Buffer.allocUnsafeSlow(PAGE_BYTES)
      this.#used = 0
    }
    piece.copy(this.#page, this.#used)
    this.#used += piece.length
  }

  #closePage(): void {
    if (this.#page === null) return
    // A page that is hardly filled is not kept: pieces of alternating size would make many of them.
    const filled = this.#page.subarray(0, this.#used)
    this.#keep(this.#used < SMALL_BYTES ? Buffer.from(filled) : filled)
    this.#page = null
  }

  #keep(piece: Buffer): void {
    if (this.#more === null) this.#more = [piece]
    else this.#more.push(piece)
  }
}
