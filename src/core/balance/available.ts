/** The targets of a pool that a pick may choose from: made once per balancer, filled anew for each pick. */
export class Available {
  /** Positions in the pool, ascending; the first `count` are valid. */
  readonly positions: Uint16Array
  count = 0
  readonly #member: Uint8Array

  /** `size` is the number of targets in the pool. */
  constructor(size: number) {
    this.positions = new Uint16Array(size)
    this.#member = new Uint8Array(size)
  }

  /** Number of targets in the pool, available or not. */
  get size(): number {
    return this.positions.length
  }

  has(position: number): boolean {
    return this.#member[position] === 1
  }

  /** The n-th available position; `n` is below `count`. */
  at(n: number): number {
    return this.positions[n] ?? 0
  }

  clear(): void {
    this.count = 0
    this.#member.fill(0)
  }

  /** Positions are added in ascending order, each once. */
  add(position: number): void {
    this.positions[this.count++] = position
    this.#member[position] = 1
  }

  remove(position: number): void {
    if (!this.has(position)) return
    const at = this.positions.indexOf(position)
    this.positions.copyWithin(at, at + 1, this.count)
    this.count--
    this.#member[position] = 0
  }
}
