import { LruMap } from '../../lib/index.ts'

/**
 * Answers that are used again for a while. Several who ask for the same at once wait for one question; a question that fails
 * leaves nothing behind.
 */
export class KeptAnswers<T> {
  readonly #kept: LruMap<string, Kept<T>>
  readonly #apart: LruMap<string, Kept<T>>
  readonly #isApart: (answer: T) => boolean
  readonly #asking = new Map<string, Promise<T>>()
  readonly #lifetimeMs: (answer: T) => number
  readonly #mostAsking: number

  constructor(options: {
    readonly most: number
    /** Questions at once; beyond it `ask` rejects. */
    readonly mostAsking: number
    readonly lifetimeMs: (answer: T) => number
    /** Answers that anybody can cause: as many again are kept, in a list where they push out no others. Absent: none are. */
    readonly apart?: (answer: T) => boolean
  }) {
    this.#kept = new LruMap(options.most)
    this.#apart = new LruMap(options.most)
    this.#isApart = options.apart ?? (() => false)
    this.#mostAsking = options.mostAsking
    this.#lifetimeMs = options.lifetimeMs
  }

  /** What is known, without asking; null when nothing is. */
  known(key: string, nowMs: number): T | null {
    const kept = this.#kept.get(key) ?? this.#apart.get(key)
    return kept === undefined || kept.untilMs <= nowMs ? null : kept.answer
  }

  /** The answer of `question`, or of the one that is on its way. */
  async ask(key: string, question: () => Promise<T>): Promise<T> {
    const asking = this.#asking.get(key)
    if (asking !== undefined) return await asking
    if (this.#asking.size >= this.#mostAsking) throw new Error('too many questions are on their way')
    const asked = question().finally(() => this.#asking.delete(key))
    this.#asking.set(key, asked)
    const answer = await asked
    const lifetimeMs = this.#lifetimeMs(answer)
    if (lifetimeMs > 0) this.#keep(key, { answer, untilMs: performance.now() + lifetimeMs })
    return answer
  }

  #keep(key: string, kept: Kept<T>): void {
    const [to, from] = this.#isApart(kept.answer) ? [this.#apart, this.#kept] : [this.#kept, this.#apart]
    from.delete(key)
    to.set(key, kept)
  }
}

interface Kept<T> {
  readonly answer: T
  readonly untilMs: number
}
