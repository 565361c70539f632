import { type LimitsDocument, rateLimit, restoreTokens } from '../governance/index.ts'
import { monotonicUs } from '../lib/index.ts'
import type { Log } from '../observability/index.ts'
import { type AdmissionQuery, type RateState, type Recovery, readRateState, writeRateState } from '../storage/index.ts'
import { rateName, tokensName } from './key-counters.ts'
import type { KeyRegistry } from './key-registry.ts'

const EVERY_MS = 5_000
/** Without a saved state, and at most. */
const SHORT_PAST_MS = 60_000
const LONG_PAST_MS = 600_000
/** Routes whose requests are counted by the limits of keys; written out, since this thread loads nothing of models. */
export const LIMITED_ROUTES: readonly string[] = [
  'chat.completions',
  'completions',
  'responses',
  'messages',
  'content',
  'messages.count',
  'embeddings',
  'images.generations',
  'images.edits',
  'images.variations',
  'audio.speech',
  'audio.transcriptions',
  'audio.translations',
  'moderations',
  'rerank',
  'models.list',
  'models.get',
  'capabilities',
  'files',
  'batches',
  'realtime',
  'passthrough',
]

type Rated = Pick<KeyRegistry, 'rates' | 'tokenRates'>

/**
 * Keeps rates of requests and of tokens through a restart: every few seconds it saves how far each runs ahead of the clock, and a
 * start adds the requests of since then, and what they were charged. Requests alone would not do, since a limit remembers without an end.
 */
export class RateMemory {
  readonly #dataDir: string
  readonly #keys: Rated
  readonly #counters: BigInt64Array
  readonly #log: Log
  readonly #saved: RateState | null
  /** What was saved of limits that nobody has asked for since the start: values have theirs when they are used. */
  readonly #unclaimed: Map<string, number>
  #timer: NodeJS.Timeout | null = null
  #saving: Promise<void> = Promise.resolve()
  #failed = false
  #wasEmpty = false

  constructor(dataDir: string, keys: Rated, counters: BigInt64Array, log: Log) {
    this.#dataDir = dataDir
    this.#keys = keys
    this.#counters = counters
    this.#log = log
    this.#saved = readRateState(dataDir)
    this.#unclaimed = new Map(this.#saved?.arrivals)
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
    this.#save()
    this.#timer = setInterval(() => this.#save(), EVERY_MS).unref()
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
  async close(): Promise<void> {
    if (this.#timer === null) return
    clearInterval(this.#timer)
    this.#save()
    await this.#saving
  }

  #save(): void {
    const state = this.#state()
    // Nothing ahead, as before: whoever reads the old one finds no requests since then, or a few.
    if (state === null) return
    this.#saving = this.#saving.then(async () => {
      try {
        await writeRateState(this.#dataDir, state)
        this.#failed = false
      } catch (error) {
        if (!this.#failed)
          this.#log.warn('the state of rate limits cannot be saved; a crash would forget it', { error })
        this.#failed = true
      }
    })
  }

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
