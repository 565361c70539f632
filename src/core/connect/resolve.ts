import { LruMap } from '../../lib/index.ts'
import { TransportError } from '../upstream/transport-error.ts'
import { type Answer, type NameSource, systemNames } from './name-source.ts'

export interface ResolverOptions {
  readonly source?: NameSource
  /** Names that are remembered; the one that was used longest ago is forgotten first. */
  readonly maxNames?: number
  /** Names that may be asked for at the same time. */
  readonly maxPending?: number
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number
}

/** For a source that does not say how long its answer is good. */
const DEFAULT_TTL_MS = 30_000
/** However short a time to live is, a burst of connections asks once. */
const MIN_TTL_MS = 1_000
/** However long, a name that has moved is found again. */
const MAX_TTL_MS = 300_000
/** A name that failed is not asked for again at once. */
const NEGATIVE_TTL_MS = 2_000
/** While its servers do not answer, a name's last addresses stay good for so long (RFC 8767). */
const STALE_MS = 600_000
/** The servers answered, and said no. */
const DENIALS = new Set(['ENOTFOUND', 'ENODATA'])

interface Known {
  readonly addresses: readonly string[]
  /** Instead of addresses. */
  readonly error: Error | null
  readonly freshUntil: number
  readonly staleUntil: number
}

/**
 * Resolves names, each once at a time, and remembers the answers for their time to live. What it gives has not been
 * vetted: it decides nothing about where connections may go.
 */
export class Resolver {
  readonly #source: NameSource
  readonly #now: () => number
  readonly #maxPending: number
  readonly #known: LruMap<string, Known>
  readonly #pending = new Map<string, Promise<readonly string[]>>()

  constructor({ source, maxNames = 1_024, maxPending = 128, now }: ResolverOptions = {}) {
    this.#source = source ?? systemNames()
    this.#now = now ?? (() => performance.now())
    this.#maxPending = maxPending
    this.#known = new LruMap(maxNames)
  }

  /** All addresses of a name, at least one. Rejects with a code of Node's resolver, or `resolver_busy`. */
  resolve(name: string): Promise<readonly string[]> {
    const known = this.#known.get(name)
    if (known !== undefined && this.#now() < known.freshUntil) {
      return known.error === null ? Promise.resolve(known.addresses) : Promise.reject(known.error)
    }
    const pending = this.#pending.get(name)
    if (pending !== undefined) return pending
    if (this.#pending.size >= this.#maxPending) {
      return Promise.reject(new TransportError('resolver_busy', 'Too many names are being resolved.'))
    }
    const asked = this.#ask(name, known).finally(() => this.#pending.delete(name))
    this.#pending.set(name, asked)
    return asked
  }

  /** Asks whatever is remembered, and rejects whatever was good before: for those who look for changes. */
  async refresh(name: string): Promise<readonly string[]> {
    return this.#taken(name, await this.#source(name))
  }

  #taken(name: string, answers: readonly Answer[]): readonly string[] {
    if (answers.length === 0) throw Object.assign(new Error(`${name} has no address.`), { code: 'ENODATA' })
    const addresses = [...new Set(answers.map(({ address }) => address))]
    const ttlMs = Math.min(
      ...answers.map(({ ttlSeconds }) => (ttlSeconds === null ? DEFAULT_TTL_MS : ttlSeconds * 1e3)),
    )
    this.#remember(name, { addresses, error: null }, Math.min(Math.max(ttlMs, MIN_TTL_MS), MAX_TTL_MS))
    return addresses
  }

  async #ask(name: string, before: Known | undefined): Promise<readonly string[]> {
    try {
      return this.#taken(name, await this.#source(name))
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown))
      const denied = 'code' in error && DENIALS.has(String(error.code))
      if (!denied && before?.error === null && this.#now() < before.staleUntil) {
        this.#known.set(name, { ...before, freshUntil: this.#now() + NEGATIVE_TTL_MS })
        return before.addresses
      }
      this.#remember(name, { addresses: [], error }, NEGATIVE_TTL_MS)
      throw error
    }
  }

  #remember(name: string, what: Pick<Known, 'addresses' | 'error'>, ttlMs: number): void {
    const freshUntil = this.#now() + ttlMs
    this.#known.set(name, { ...what, freshUntil, staleUntil: freshUntil + STALE_MS })
  }
}
