import type { Exchange } from './exchange.ts'

/**
 * The requests in flight, linked through themselves: adding and removing allocates nothing. A `Set` would do, but with
 * every few dozen requests it makes a new table and the old one, once it is in the old generation, keeps requests
 * alive that ended long ago, until the next full collection (measured: a full collection a second at 5,000 requests
 * a second, and a quarter of the processor time).
 */
export class ExchangeList {
  #first: Exchange | null = null
  #size = 0

  get size(): number {
    return this.#size
  }

  add(x: Exchange): void {
    x.next = this.#first
    x.previous = null
    if (this.#first !== null) this.#first.previous = x
    this.#first = x
    this.#size++
  }

  /** Takes out a request that is in the list. */
  remove(x: Exchange): void {
    if (x.previous !== null) x.previous.next = x.next
    else this.#first = x.next
    if (x.next !== null) x.next.previous = x.previous
    x.next = null
    x.previous = null
    this.#size--
  }

  /** Calls `visit` with each request; it may end the one that it is given. */
  each(visit: (x: Exchange) => void): void {
    for (let x = this.#first; x !== null; ) {
      const next: Exchange | null = x.next
      visit(x)
      x = next
    }
  }

  /** Each request, newest first. */
  *[Symbol.iterator](): IterableIterator<Exchange> {
    for (let x = this.#first; x !== null; x = x.next) yield x
  }
}
