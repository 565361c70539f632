/** How long requests took, in milliseconds. */
export class Times {
  readonly #took: number[] = []

  get count(): number {
    return this.#took.length
  }

  add(ms: number): void {
    this.#took.push(ms)
  }

  /** For people. */
  summary(): string {
    const sorted = this.#took.toSorted((a, b) => a - b)
    const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1)
    return `median ${at(0.5)} ms, p99 ${at(0.99)} ms, slowest ${at(0.9999)} ms`
  }
}
