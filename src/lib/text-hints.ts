/** Up to so many bytes, one loop in JavaScript is faster than the runtime's search, which is called for each text. */
const SHORT = 1_024

/** Short texts of which one must be in a body for it to be of interest: the first look at bodies that nobody wants to read. */
export class TextHints {
  readonly #texts: readonly Buffer[]
  /** By byte: 1 when one of the texts begins with it. */
  readonly #starts = new Uint8Array(256)

  constructor(texts: readonly string[]) {
    this.#texts = texts.map((text) => Buffer.from(text))
    for (const text of this.#texts) this.#starts[text[0] ?? 0] = 1
  }

  /** Whether one of them is in it. */
  isIn(body: Buffer): boolean {
    if (body.length > SHORT) return this.#texts.some((text) => body.includes(text))
    for (let at = 0; at < body.length; at++) {
      if (this.#starts[body[at] ?? 0] === 1 && this.#beginsAt(body, at)) return true
    }
    return false
  }

  #beginsAt(body: Buffer, at: number): boolean {
    for (const text of this.#texts) {
      let length = 0
      while (length < text.length && body[at + length] === text[length]) length++
      if (length === text.length) return true
    }
    return false
  }
}
