import type { KeySetSource } from './key-set-source.ts'

export interface KeySetOptions<Keys> {
  /** Makes keys of the text; rejects when it is no key set. */
  readonly parse: (text: string) => Promise<Keys>
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** The set could not be had; what was good stays. */
  readonly onFailure: (error: unknown) => void
}

/** One state of a key set; another state is another object. */
export interface KeySetState<Keys> {
  readonly keys: Keys
  readonly text: string
}

/** A token may name any key: so often its server is asked at most. */
const AGAIN_MS = 30_000
/** The same while there are no keys at all, and everybody waits. */
const FIRST_AGAIN_MS = 2_000

/** A key set that is kept up to date while it is used: asked for by one at a time, and kept when that fails. */
export class KeySet<Keys> {
  readonly #options: KeySetOptions<Keys>
  /** Asked from the next time on; connections do not last as long as what was learned over them. */
  source: KeySetSource
  #state: KeySetState<Keys> | null = null
  #freshUntil = Number.NEGATIVE_INFINITY
  #mayLoadAt = Number.NEGATIVE_INFINITY
  #loading: Promise<void> | null = null
  #failure: unknown = null

  constructor(source: KeySetSource, options: KeySetOptions<Keys>) {
    this.source = source
    this.#options = options
  }

  /** The state in use, without waiting; looks for a newer one when it is time. */
  glance(): KeySetState<Keys> | null {
    if (this.#options.now() >= this.#freshUntil) void this.#load()
    return this.#state
  }

  /** The state in use, the newest when it is time for one. Rejects when there never was any. */
  async current(): Promise<KeySetState<Keys>> {
    if (this.#options.now() >= this.#freshUntil) await this.#load()
    if (this.#state === null) throw new Error('there is no key set', { cause: this.#failure })
    return this.#state
  }

  /** A state other than `known`, which lacks a key; null when there is none yet, or nobody may ask now. */
  async other(known: KeySetState<Keys>): Promise<KeySetState<Keys> | null> {
    if (this.#state === known) await this.#load()
    return this.#state === known ? null : this.#state
  }

  /** Never rejects. Does nothing when somebody asked a moment ago. */
  async #load(): Promise<void> {
    if (this.#loading === null) {
      const nowMs = this.#options.now()
      if (nowMs < this.#mayLoadAt) return
      this.#mayLoadAt = nowMs + (this.#state === null ? FIRST_AGAIN_MS : AGAIN_MS)
      this.#loading = this.#ask().finally(() => {
        this.#loading = null
      })
    }
    await this.#loading
  }

  async #ask(): Promise<void> {
    const { parse, now, onFailure } = this.#options
    try {
      const { text, lifetimeMs } = await this.source()
      if (text !== this.#state?.text) this.#state = { keys: await parse(text), text }
      const nowMs = now()
      this.#freshUntil = nowMs + lifetimeMs
      this.#mayLoadAt = nowMs + AGAIN_MS
      this.#failure = null
    } catch (error) {
      this.#failure = error
      onFailure(error)
    }
  }
}
