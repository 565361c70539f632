import type { AttemptTarget } from './attempt-target.ts'
import type { KnownTarget } from './place-wait.ts'

/** The targets of one request in their order: which of them is asked, and who may still be. */
export class OrderWalk {
  readonly #order: readonly AttemptTarget[]
  /** Place of the first that was asked; most requests ask no other, and need no list. */
  #first = -1
  #others: number[] | null = null
  /** The largest window of those that were too small; null while none was, or is known. */
  #largerThan: number | null = null
  /** Place of the current target; -1 before the first. */
  place = -1
  /** Attempts on the current target. */
  onTarget = 0

  constructor(order: readonly AttemptTarget[]) {
    this.#order = order
  }

  get length(): number {
    return this.#order.length
  }

  /** The target that is asked, or was asked last; null before the first. */
  get current(): AttemptTarget | null {
    return this.#order[this.place] ?? null
  }

  /** The target at a place, as long as it has not been asked and may serve the request; else null. */
  openAt(place: number): AttemptTarget | null {
    const target = this.#order[place]
    return target === undefined || this.#isTried(place) || !this.#isLargeEnough(target) ? null : target
  }

  /** The target at this place is the current one. */
  choose(place: number): void {
    this.place = place
    if (this.#isTried(place)) return
    this.mark(place)
    this.onTarget = 0
  }

  /** The target at this place is asked beside the current one. */
  mark(place: number): void {
    if (this.#first < 0) this.#first = place
    else if (this.#others === null) this.#others = [place]
    else this.#others.push(place)
  }

  /** It was not asked after all. */
  unmark(place: number): void {
    if (this.#first === place) this.#first = -1
    const at = this.#others?.indexOf(place) ?? -1
    if (at >= 0) this.#others?.splice(at, 1)
  }

  /** From now on no targets that are known to take no more than the current one. */
  seekLarger(): void {
    const tokens = this.current?.contextTokens ?? null
    if (tokens !== null && mayTakeMore(tokens, this.#largerThan)) this.#largerThan = tokens
  }

  /** Whether there is one that has not been asked, and does not refuse. */
  hasOther(nowMs: number): boolean {
    return this.firstOther(nowMs) !== null
  }

  /** The first that has not been asked, and does not refuse; of these, one that does not rest before those that do. */
  firstOther(nowMs: number): AttemptTarget | null {
    let resting: AttemptTarget | null = null
    for (let place = 0; place < this.length; place++) {
      const target = this.openAt(place)
      if (target === null || (target.memory?.waitMs(nowMs) ?? 0) > 0) continue
      if ((target.memory?.restsMs(nowMs) ?? 0) === 0) return target
      resting ??= target
    }
    return resting
  }

  /** Targets that could be asked if they did not have as many requests as they take. `again`: one that may be asked again. */
  full(nowMs: number, again: number): KnownTarget[] {
    const full: KnownTarget[] = []
    for (let at = 0; at < this.length; at++) {
      const target = at === again ? this.#largeEnoughAt(at) : this.openAt(at)
      const memory = target?.memory ?? null
      if (memory === null || memory.concurrency === null || memory.waitMs(nowMs) > 0) continue
      if (memory.restsMs(nowMs) === 0) full.push({ at, memory })
    }
    return full
  }

  /** Targets that have not been asked and are left alone for now. */
  resting(nowMs: number): KnownTarget[] {
    const resting: KnownTarget[] = []
    for (let at = 0; at < this.length; at++) {
      const memory = this.openAt(at)?.memory ?? null
      if (memory !== null && (memory.waitMs(nowMs) > 0 || memory.restsMs(nowMs) > 0)) resting.push({ at, memory })
    }
    return resting
  }

  /** Milliseconds until the first of them may be asked again; Infinity when nothing is known of any. */
  shortestWaitMs(nowMs: number): number {
    let shortest = Number.POSITIVE_INFINITY
    for (const { memory } of this.#order) if (memory !== null) shortest = Math.min(shortest, memory.waitMs(nowMs))
    return shortest
  }

  /** Whether none may be asked since each was asked too much, and for no other reason. */
  isThrottled(nowMs: number): boolean {
    return this.#order.every(({ memory }) => memory?.isThrottled(nowMs) === true)
  }

  /** The total deadline of the target at a place; 0 when there is none. */
  totalMsAt(place: number): number {
    return this.#order[place]?.candidate.upstream.timeouts.totalMs ?? 0
  }

  #largeEnoughAt(place: number): AttemptTarget | null {
    const target = this.#order[place]
    return target !== undefined && this.#isLargeEnough(target) ? target : null
  }

  #isTried(place: number): boolean {
    return place === this.#first || this.#others?.includes(place) === true
  }

  #isLargeEnough({ contextTokens }: AttemptTarget): boolean {
    return mayTakeMore(contextTokens, this.#largerThan)
  }
}

/** Whether a target of this window may take what was too long for one of that window; null: nobody knows, which never speaks against it. */
export function mayTakeMore(tokens: number | null, tooSmall: number | null): boolean {
  return tokens === null || tooSmall === null || tokens > tooSmall
}
