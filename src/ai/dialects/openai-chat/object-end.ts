const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN = 0x7b
const CLOSE = 0x7d

/** Follows JSON text piece by piece to see where its object ends, without reading any of it twice. */
export class ObjectEnd {
  #depth = 0
  #inString = false
  #escaped = false
  /** The object has been closed. */
  reached = false

  push(text: string): void {
    for (let at = 0; at < text.length && !this.reached; at++) {
      const char = text.charCodeAt(at)
      if (this.#escaped) this.#escaped = false
      else if (this.#inString) {
        if (char === BACKSLASH) this.#escaped = true
        else if (char === QUOTE) this.#inString = false
      } else if (char === QUOTE) this.#inString = true
      else if (char === OPEN) this.#depth++
      else if (char === CLOSE) this.reached = --this.#depth === 0
    }
  }
}
