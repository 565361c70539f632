/** Something that is good until a moment of the clock that it is asked with. */
export interface Expiring<T> {
  readonly value: T
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

const MINUTE_MS = 60_000
/** A new one is fetched while the old one still serves. Google's metadata server gives a new one four minutes before. */
const RENEW_BEFORE_MS = 4 * MINUTE_MS
/** A request is on its way for a while, and clocks differ. */
const UNUSABLE_BEFORE_MS = 30_000
/** Who failed to give one is left alone for so long. */
const REST_MS = 2_000

/** Keeps one value until it expires, fetches it once for all who wait, and renews it before anybody has to. */
export class ExpiringValue<T> {
  readonly #obtain: () => Promise<Expiring<T>>
  readonly #now: () => number
  readonly #onFetched: (value: T) => void
  #held: Expiring<T> | null = null
  #fetching: Promise<T> | null = null
  #failure: { readonly error: unknown; readonly untilMs: number } | null = null

  constructor(obtain: () => Promise<Expiring<T>>, now: () => number, onFetched: (value: T) => void = () => undefined) {
    this.#obtain = obtain
    this.#now = now
    this.#onFetched = onFetched
  }

  /** The value, at once when it is here. Rejects with what the last attempt said. */
  get(): T | Promise<T> {
    const now = this.#now()
    const held = this.#held
    if (held !== null && now < held.expiresAt - UNUSABLE_BEFORE_MS) {
      if (now >= held.expiresAt - RENEW_BEFORE_MS && !this.#rests(now)) this.#renew()
      return held.value
    }
    if (this.#fetching !== null) return this.#fetching
    if (this.#failure !== null && this.#rests(now)) return Promise.reject(this.#failure.error)
    return this.#start()
  }

  #rests(now: number): boolean {
    return this.#failure !== null && now < this.#failure.untilMs
  }

  #renew(): void {
    if (this.#fetching !== null) return
    // Nobody waits for this one: the next who needs it hears of the failure.
    this.#start().catch(() => undefined)
  }

  #start(): Promise<T> {
    const fetching = this.#fetched()
    this.#fetching = fetching
    return fetching
  }

  async #fetched(): Promise<T> {
    try {
      const fetched = await this.#obtain()
      this.#held = fetched
      this.#failure = null
      this.#onFetched(fetched.value)
      return fetched.value
    } catch (error) {
      this.#failure = { error, untilMs: this.#now() + REST_MS }
      throw error
    } finally {
      this.#fetching = null
    }
  }
}
