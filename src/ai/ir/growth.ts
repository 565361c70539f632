/**
 * Lists and objects that grow one piece at a time within one conversion. Adding to a value that is made anew each time costs
 * as much as all that is there already; these are copied once, and then added to, as long as nobody else made them.
 */
export class Growth {
  readonly #own = new WeakSet<object>()

  /** The items of both; `before` itself where it was made here. */
  list<Item>(before: readonly Item[], more: readonly Item[]): readonly Item[] {
    const grown: Item[] = this.#own.has(before) ? (before as Item[]) : [...before] // made here, as a list that grows
    this.#own.add(grown)
    for (const item of more) grown.push(item)
    return grown
  }

  /** The members of both, the later ones instead of the earlier. */
  object<Value extends object>(before: Value | undefined, more: Value | undefined): Value | undefined {
    if (before === undefined || more === undefined) return before ?? more
    const grown = this.#own.has(before) ? before : { ...before }
    this.#own.add(grown)
    return Object.assign(grown, more)
  }
}
