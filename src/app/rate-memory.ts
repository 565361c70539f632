import { LIMITED_ROUTES } from '../ai/words.ts'
import { type LimitsDocument, rateLimit, restoreTokens } from '../governance/index.ts'
import { monotonicUs } from '../lib/index.ts'
import type { Log } from '../observability/index.ts'
import { type AdmissionQuery, type RateState, type Recovery, readRateState, writeRateState } from '../storage/index.ts'
import { rateName, tokensName } from './key-counters.ts'
import type { KeyRegistry } from './key-registry.ts'
import { StateSaver } from './state-saver.ts'

/** Without a saved state, and at most. */
const SHORT_PAST_MS = 60_000
const LONG_PAST_MS = 600_000

type Rated = Pick<KeyRegistry, 'rates' | 'tokenRates'>

/**
 * Keeps rates of requests and of tokens through a restart: every few seconds it saves how far each runs ahead of the clock, and a
 * start adds the requests of since then, and what they were charged. Requests alone would not do, since a limit remembers without an end.
 */
export class RateMemory {
  readonly #keys: Rated
  readonly #counters: BigInt64Array
  readonly #saved: RateState | null
  /** What was saved of limits that nobody has asked for since the start: values have theirs when they are used. */
  readonly #unclaimed: Map<string, number>
  readonly #saver: StateSaver<RateState>
  #wasEmpty = false

  constructor(dataDir: string, keys: Rated, counters: BigInt64Array, log: Log) {
    this.#keys = keys
    this.#counters = counters
    this.#saved = readRateState(dataDir)
    this.#unclaimed = new Map(this.#saved?.arrivals)
    this.#saver = new StateSaver({
      state: () => this.#state(),
      write: (state) => writeRateState(dataDir, state),
      warning: 'the state of rate limits cannot be saved; a crash would forget it',
      log,
    })
  }

  /** The requests that a start needs beside the saved state. */
  query(nowMs: number): AdmissionQuery {
    const sinceMs = Math.max(nowMs - LONG_PAST_MS, this.#saved?.atMs ?? nowMs - SHORT_PAST_MS)
    return { sinceMs, routes: LIMITED_ROUTES }
  }

  /** Puts every limit where it was, and goes on saving. */
  restore({ admissions, tokens }: Pick<Recovery, 'admissions' | 'tokens'>): void {
    const nowUs = monotonicUs()
    /** Of a time since the epoch on the monotonic clock. */
    const shiftUs = nowUs - Date.now() * 1_000
    for (const { level, per, slot, intervalUs, burst } of this.#keys.rates()) {
      const saved = this.#saved?.arrivals.get(rateName(level, per))
      this.#unclaimed.delete(rateName(level, per))
      const past = {
        arrivalUs: saved === undefined ? null : saved + shiftUs,
        timesUs: (admissions.get(level) ?? []).map((ms) => ms * 1_000 + shiftUs),
      }
      rateLimit.restore(this.#counters, slot, past, { nowUs, intervalUs, burst })
    }
    for (const rate of this.#keys.tokenRates()) {
      const saved = this.#saved?.arrivals.get(tokensName(rate.level))
      this.#unclaimed.delete(tokensName(rate.level))
      const taken = (tokens.get(rate.level) ?? []).map((each) => {
        return { atUs: each.atMs * 1_000 + shiftUs, tokens: each.tokens }
      })
      restoreTokens(this.#counters, rate, { arrivalUs: saved === undefined ? null : saved + shiftUs, taken }, nowUs)
    }
    this.#saver.save()
    this.#saver.start()
  }

  /** Puts limits that begin now where they were, as far as they are among these names. */
  fill({ rates, tokenRate }: Pick<LimitsDocument, 'rates' | 'tokenRate'>, fresh: ReadonlySet<string>): void {
    const nowUs = monotonicUs()
    const shiftUs = nowUs - Date.now() * 1_000
    for (const { level, per, slot, intervalUs, burst } of rates) {
      const saved = this.#claim(rateName(level, per), fresh)
      if (saved === null) continue
      const past = { arrivalUs: saved + shiftUs, timesUs: [] }
      rateLimit.restore(this.#counters, slot, past, { nowUs, intervalUs, burst })
    }
    const saved = tokenRate === null ? null : this.#claim(tokensName(tokenRate.level), fresh)
    if (tokenRate === null || saved === null) return
    restoreTokens(this.#counters, tokenRate, { arrivalUs: saved + shiftUs, taken: [] }, nowUs)
  }

  /** What was saved of a limit that begins now; null: nothing. */
  #claim(name: string, fresh: ReadonlySet<string>): number | null {
    const saved = this.#unclaimed.get(name)
    if (saved === undefined || !fresh.has(name)) return null
    this.#unclaimed.delete(name)
    return saved
  }

  /** Saves a last time. */
  close(): Promise<void> {
    return this.#saver.close()
  }

  /** Null: nothing ahead, as before. Whoever reads the old one finds no requests since then, or a few. */
  #state(): RateState | null {
    const atMs = Date.now()
    const nowUs = monotonicUs()
    const arrivals = new Map<string, number>()
    let isEmpty = true
    const put = (name: string, slot: number) => {
      isEmpty = false
      const aheadUs = Number(Atomics.load(this.#counters, slot)) - nowUs
      if (aheadUs > 0) arrivals.set(name, atMs * 1_000 + aheadUs)
    }
    for (const { level, per, slot } of this.#keys.rates()) put(rateName(level, per), slot)
    for (const { level, slot } of this.#keys.tokenRates()) put(tokensName(level), slot)
    for (const [name, arrivalUs] of this.#unclaimed) {
      if (arrivalUs <= atMs * 1_000) this.#unclaimed.delete(name)
      else if (!arrivals.has(name)) arrivals.set(name, arrivalUs)
    }
    isEmpty &&= arrivals.size === 0
    const skip = isEmpty && this.#wasEmpty
    this.#wasEmpty = isEmpty
    return skip ? null : { atMs, arrivals }
  }
}
