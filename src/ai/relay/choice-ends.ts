/** More choices than anybody asks for; beyond it their ends are not followed, and only the terminator counts. */
const MOST_CHOICES = 1_024

/**
 * Which choices of a stream have begun and which have finished, for requests that ask for several: without the
 * terminator a stream is whole only when none of them is left open.
 */
export class ChoiceEnds {
  readonly #finished = new Map<number, boolean>()

  /** Notes the choices of one event. What is no such event says nothing. */
  read(data: Buffer): void {
    for (const choice of choicesOf(data)) {
      if (typeof choice !== 'object' || choice === null) continue
      const { index, finish_reason: reason } = choice as { index?: unknown; finish_reason?: unknown } // any object is one
      const number = typeof index === 'number' ? index : 0
      if (this.#finished.size >= MOST_CHOICES && !this.#finished.has(number)) continue
      // What comes after its end, as the results of a filter do, does not open a choice again.
      this.#finished.set(number, this.#finished.get(number) === true || typeof reason === 'string')
    }
  }

  /** Every choice that began has finished, and there was one. */
  get complete(): boolean {
    if (this.#finished.size === 0 || this.#finished.size >= MOST_CHOICES) return false
    return [...this.#finished.values()].every((finished) => finished)
  }
}

function choicesOf(data: Buffer): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(data.toString('utf8'))
    const choices = typeof value === 'object' && value !== null && 'choices' in value ? value.choices : null
    return Array.isArray(choices) ? choices : []
  } catch {
    return [] // relayed as it is; whether it is refused is decided elsewhere
  }
}
