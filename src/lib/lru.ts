/** A map that never holds more than `capacity` entries: a new key drops the entry that was least recently read or set. */
export class LruMap<Key, Value> {
  readonly #capacity: number
  /** A Map iterates in order of insertion: its first key is the one to drop. */
  readonly #entries = new Map<Key, Value>()

  /** `capacity` is at least 1; throws a RangeError otherwise. */
  constructor(capacity: number) {
    if (!Number.isSafeInteger(capacity) || capacity < 1)
      throw new RangeError(`capacity must be at least 1: ${capacity}`)
    this.#capacity = capacity
  }

  /** Number of entries. */
  get size(): number {
    return this.#entries.size
  }

  /** The value of a key, which becomes the most recently used; undefined when it is not held. */
  get(key: Key): Value | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  /** Holds the value as the most recently used. */
  set(key: Key, value: Value): void {
    if (!this.#entries.delete(key) && this.#entries.size === this.#capacity) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest)
        break
      }
    }
    this.#entries.set(key, value)
  }

  /** Drops a key; false when it was not held. */
  delete(key: Key): boolean {
    return this.#entries.delete(key)
  }

  /** Drops everything. */
  clear(): void {
    this.#entries.clear()
  }
}
