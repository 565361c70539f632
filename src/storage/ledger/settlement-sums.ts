import { chargesOf, levelsOf, type Reserved } from '../journal/decode.ts'
import type { Settled } from './sink.ts'

const DAY_MS = 86_400_000

/** The level that every request is charged on; counters of limits and budgets of the whole gateway begin with it. */
export const GATEWAY_LEVEL = 'gateway'

/** What attempts of a day were settled at, by all that days are told by. */
export interface DaySum {
  readonly day: number
  readonly keyId: string
  readonly provider: string
  readonly model: string
  /** JSON of the key's levels. */
  readonly levels: string
  requests: number
  tokens: number
  nanos: number
}

/** What was settled on a level in a day. */
export interface LevelSum {
  readonly level: string
  readonly day: number
  requests: number
  tokens: number
  nanos: number
}

/** What a counter was charged in a period. */
export interface CounterSum {
  readonly counter: string
  readonly period: number
  spent: number
}

/** The sums of one transaction's new settlements: for `usage_daily`, `level_daily` and `counter_sums`. */
export class SettlementSums {
  readonly #days = new Map<string, DaySum>()
  readonly #counters = new Map<string, CounterSum>()
  #last: DaySum | null = null

  add(r: Reserved, s: Settled): void {
    const sum = this.#sum(Math.floor(r.reservedAt / DAY_MS), r)
    sum.requests++
    sum.tokens += s.tokens
    sum.nanos += s.nanos
    if (s.charges === '[]') return
    for (const [counter, period, amount] of chargesOf(s)) {
      const name = `${period}\n${counter}`
      const known = this.#counters.get(name)
      if (known === undefined) this.#counters.set(name, { counter, period, spent: amount })
      else known.spent += amount
    }
  }

  /** Days may come several times, with other levels. */
  days(): Iterable<DaySum> {
    return this.#days.values()
  }

  counters(): Iterable<CounterSum> {
    return this.#counters.values()
  }

  levels(): Iterable<LevelSum> {
    const byLevel = new Map<string, LevelSum>()
    for (const s of this.#days.values()) {
      const own = s.keyId === '' ? [] : [`key:${s.keyId}`]
      for (const level of [GATEWAY_LEVEL, ...own, ...levelsOf(s)]) {
        const name = `${s.day}\n${level}`
        const sum = byLevel.get(name) ?? { level, day: s.day, requests: 0, tokens: 0, nanos: 0 }
        sum.requests += s.requests
        sum.tokens += s.tokens
        sum.nanos += s.nanos
        byLevel.set(name, sum)
      }
    }
    return byLevel.values()
  }

  clear(): void {
    this.#days.clear()
    this.#counters.clear()
    this.#last = null
  }

  #sum(day: number, { keyId: known, provider, model, levels }: Reserved): DaySum {
    const keyId = known ?? ''
    const last = this.#last
    if (
      last !== null &&
      last.day === day &&
      last.keyId === keyId &&
      last.provider === provider &&
      last.model === model &&
      last.levels === levels
    ) {
      return last
    }
    const name = JSON.stringify([day, keyId, provider, model, levels])
    let sum = this.#days.get(name)
    if (sum === undefined) {
      sum = { day, keyId, provider, model, levels, requests: 0, tokens: 0, nanos: 0 }
      this.#days.set(name, sum)
    }
    this.#last = sum
    return sum
  }
}
