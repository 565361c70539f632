/** So much of a stream is held back at most until it says something. */
const HELD_LIMIT = 65_536

/** Events of a stream that came before one that says something of the answer. */
export class HeldEvents {
  #bytes: Buffer | null = null

  /** False when these are too many to be held with the others. */
  add(events: Buffer): boolean {
    if ((this.#bytes?.length ?? 0) + events.length > HELD_LIMIT) return false
    this.#bytes = this.#bytes === null ? Buffer.from(events) : Buffer.concat([this.#bytes, events])
    return true
  }

  /** What is held, once; null for nothing. */
  take(): Buffer | null {
    const bytes = this.#bytes
    this.#bytes = null
    return bytes
  }
}

/** Two pieces as one; null when both are. */
export function joined(first: Buffer | null, second: Buffer | null): Buffer | null {
  if (first === null || second === null) return first ?? second
  return Buffer.concat([first, second])
}
