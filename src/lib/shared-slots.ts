/**
 * 64-bit cells of the counters region unless told otherwise: 64 MiB of address space, of which only used pages count.
 * 100,000 keys with a rate limit and all six budgets that a key can have take 3.7 million.
 */
export const DEFAULT_COUNTER_CELLS = 8_388_608

/** Makes a region of 64-bit cells, all zero, that every thread can view as a `BigInt64Array`. */
export function createCounters(cells: number = DEFAULT_COUNTER_CELLS): SharedArrayBuffer {
  return new SharedArrayBuffer(cells * BigInt64Array.BYTES_PER_ELEMENT)
}

interface Slot {
  readonly index: number
  readonly cells: number
}

/**
 * Gives out runs of cells in a shared region under stable names, so that a counter survives a reload of the
 * configuration. Exactly one thread owns it; the others are told the indexes.
 */
export class SlotAllocator {
  readonly #view: BigInt64Array
  readonly #slots = new Map<string, Slot>()
  /** Indexes of released slots by their number of cells: counters come in few sizes, so that nothing is ever split. */
  readonly #free = new Map<number, number[]>()
  #end = 0

  /** Takes over the whole of `view`. */
  constructor(view: BigInt64Array) {
    this.#view = view
  }

  /**
   * The index of the slot's first cell: the same for the same name until it is released; a fresh slot's cells are zero.
   * Throws when the name is held with another number of cells, and when the region is full.
   */
  allocate(name: string, cells: number): number {
    const held = this.#slots.get(name)
    if (held !== undefined) {
      if (held.cells === cells) return held.index
      throw new Error(`slot ${name} has ${held.cells} cells, not ${cells}: release it first or use another name`)
    }
    if (!Number.isSafeInteger(cells) || cells < 1) throw new RangeError(`a slot has at least one cell, not ${cells}`)
    const index = this.#reuse(cells) ?? this.#extend(name, cells)
    this.#slots.set(name, { index, cells })
    return index
  }

  /** The index of a slot that is held, or null. */
  find(name: string): number | null {
    return this.#slots.get(name)?.index ?? null
  }

  /**
   * Gives a slot back for another name of the same size; false when the name is not held. Only when no thread uses its
   * index any more: the next owner shares the cells with whoever still does.
   */
  release(name: string): boolean {
    const slot = this.#slots.get(name)
    if (slot === undefined) return false
    this.#slots.delete(name)
    const free = this.#free.get(slot.cells)
    if (free === undefined) this.#free.set(slot.cells, [slot.index])
    else free.push(slot.index)
    return true
  }

  /** The names that are held. */
  names(): IterableIterator<string> {
    return this.#slots.keys()
  }

  #reuse(cells: number): number | undefined {
    const index = this.#free.get(cells)?.pop()
    if (index === undefined) return undefined
    for (let cell = index; cell < index + cells; cell++) Atomics.store(this.#view, cell, 0n)
    return index
  }

  #extend(name: string, cells: number): number {
    const index = this.#end
    if (index + cells > this.#view.length) {
      throw new Error(
        `no room for slot ${name}: ${cells} cells asked, ${this.#view.length - index} of ${this.#view.length} left; ` +
          'remove unused keys and limits, or start with more counter cells',
      )
    }
    this.#end = index + cells
    return index
  }
}
