/** Work that must not overlap, in the order in which it was asked for. */
export class OneAtATime {
  #last: Promise<unknown> = Promise.resolve()

  /** Does some work when all that was asked for before has ended, however that ended. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const own = this.#last.then(work, work)
    // Whoever asked for it hears of its failure.
    this.#last = own.catch(() => undefined)
    return await own
  }
}
