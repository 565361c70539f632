import type { KeyDocument } from '../governance/index.ts'

/**
 * The cells in which workers see that a key has changed: one for each key, whose number only grows. It is raised last,
 * so that a worker that sees it has the change in its queue.
 */
export class KeyGenerations {
  readonly #cells: Int32Array
  readonly #slots = new Map<string, number>()
  /** Cells of keys that are gone: a generation never comes twice, so that another key may have them at once. */
  readonly #free: number[] = []
  #used = 0

  constructor(cells: Int32Array) {
    this.#cells = cells
  }

  /** Gives a key its cell; false when it has one. Throws when there is none left. */
  take(id: string): boolean {
    if (this.#slots.has(id)) return false
    const { length } = this.#cells
    if (this.#free.length === 0 && this.#used === length)
      throw new Error(`there is room for ${length} keys; remove some, or restart the gateway with fewer`)
    this.#slots.set(id, this.#free.pop() ?? this.#used++)
    return true
  }

  giveBack(id: string): void {
    const slot = this.#slots.get(id)
    if (slot === undefined) return
    this.#slots.delete(id)
    this.#free.push(slot)
  }

  /** What a change of the key that is published now says of its generation. */
  next(id: string): Pick<KeyDocument, 'generationSlot' | 'generation'> {
    const generationSlot = this.#slots.get(id)
    if (generationSlot === undefined) throw new Error(`the key ${id} has no generation`)
    return { generationSlot, generation: Atomics.load(this.#cells, generationSlot) + 1 }
  }

  /** The key's change was published; null: the key is gone. */
  raise(id: string, document: KeyDocument | null): void {
    const slot = this.#slots.get(id)
    if (slot === undefined) return
    if (document !== null) {
      Atomics.store(this.#cells, slot, document.generation)
      return
    }
    Atomics.add(this.#cells, slot, 1)
    this.giveBack(id)
  }
}
