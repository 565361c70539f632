import type { ConditionalPrice, ModelInfo, ModelPrice, TieredPrices } from '@pydantic/genai-prices'
import type { StoredRates, StoredRule } from '../../src/ai/catalogue/stored.ts'
import { halfPriceTiers, PRIORITY } from './facts.ts'

/** Rates and rules of one model as they are stored; null when the source has no price for it. */
export interface StoredPrices {
  readonly base: StoredRates
  readonly rules: readonly StoredRule[]
}

/** Compiles a model's prices: each set of conditions becomes a rule of its own, the most special first. */
export function pricesOf(model: ModelInfo, key: string, now: Date): StoredPrices | null {
  const list = Array.isArray(model.prices) ? model.prices : [{ prices: model.prices }]
  const base = baseOf(list, now)
  // A model that calls itself free costs nothing; of another without prices, none is known.
  if (Object.keys(ratesAt(base, 0)).length === 0)
    return model.id.endsWith(':free') ? { base: { i: 0, o: 0 }, rules: [] } : null
  const later = list.filter((entry) => entry.constraint !== undefined && entry.prices !== base && !isPast(entry, now))
  const [provider = '', ...rest] = key.split('/')
  const tiers = halfPriceTiers(provider, rest.join('/'))
  const timed = later.toReversed().flatMap((entry) => timedRules(entry, tiers))
  return {
    base: ratesAt(base, 0),
    // A long context is not served with priority: of one that says so, the price is not known.
    rules: [...timed, ...tierRules(base, tiers), ...aboveRules(base, {}), ...priorityRules(key, base)],
  }
}

function tierRules(prices: ModelPrice, tiers: readonly string[], scope: Partial<Scope> = {}): readonly StoredRule[] {
  return tiers.flatMap((tier) => {
    const id = scope.id === undefined ? tier : `${scope.id},${tier}`
    return rulesOf(prices, { ...scope, id, tier, times: 0.5 })
  })
}

/** What counts when nothing else does: the newest price whose date has come. */
function baseOf(list: readonly ConditionalPrice[], now: Date): ModelPrice {
  const begun = list.filter(
    ({ constraint }) =>
      constraint === undefined || (constraint.type === 'start_date' && new Date(constraint.start_date) <= now),
  )
  return (begun.at(-1) ?? list[0])?.prices ?? {}
}

function isPast({ constraint }: ConditionalPrice, now: Date): boolean {
  return constraint?.type === 'start_date' && new Date(constraint.start_date) <= now
}

function timedRules({ constraint, prices }: ConditionalPrice, tiers: readonly string[]): readonly StoredRule[] {
  if (constraint === undefined) return []
  const scope = scopeOf(constraint)
  return [...tierRules(prices, tiers, scope), ...rulesOf(prices, scope)]
}

function scopeOf(constraint: NonNullable<ConditionalPrice['constraint']>): Scope {
  if (constraint.type === 'start_date') {
    const from = constraint.start_date.slice(0, 10)
    return { id: `from-${from}`, from }
  }
  const hours: [number, number] = [secondOf(constraint.start_time), secondOf(constraint.end_time)]
  return { id: `hours-${clock(hours[0])}-${clock(hours[1])}`, hours }
}

interface Scope {
  readonly id: string
  readonly tier?: string
  readonly from?: string
  readonly hours?: readonly [number, number]
  readonly times?: number
}

function rulesOf(prices: ModelPrice, { id, times = 1, ...when }: Scope): readonly StoredRule[] {
  const above = aboveRules(prices, { id, times, ...when })
  return [...above, { id, ...when, ...scaled(ratesAt(prices, 0), times) }]
}

/** One rule for each threshold of the input's length, the highest first. */
function aboveRules(prices: ModelPrice, scope: Partial<Scope>): readonly StoredRule[] {
  const { id, times = 1, ...when } = scope
  const starts = Object.values(prices).flatMap((price) =>
    isTiered(price) ? price.tiers.map(({ start }) => start) : [],
  )
  return [...new Set(starts)]
    .toSorted((a, b) => b - a)
    .map((above) => {
      const name = `above-${Math.round(above / 1_000)}k`
      return {
        id: id === undefined ? name : `${id},${name}`,
        ...when,
        above,
        ...scaled(ratesAt(prices, above + 1), times),
      }
    })
}

function priorityRules(key: string, base: ModelPrice): readonly StoredRule[] {
  // Dated, and in the spelling with hyphens alone, it is the same model.
  const priority = PRIORITY[key.replace(/-\d{4}-\d{2}-\d{2}$/, '').replace(/gpt-5-(?=\d)/, 'gpt-5.')]
  if (priority === undefined) return []
  const [i, r, o] = priority
  // The vendor's name for it since July 2026 is `fast`; answers may say either.
  return ['priority', 'fast'].map((tier) => ({ id: tier, tier, ...ratesAt(base, 0), i, r, o }))
}

const KEYS: readonly (readonly [name: string, stored: keyof StoredRates, factor: number])[] = [
  ['input_mtok', 'i', 1],
  ['output_mtok', 'o', 1],
  ['cache_read_mtok', 'r', 1],
  ['cache_write_mtok', 'w', 1],
  ['cache_write_1h_mtok', 'h', 1],
  ['output_reasoning_mtok', 't', 1],
  ['input_audio_mtok', 'ai', 1],
  ['output_audio_mtok', 'ao', 1],
  ['input_image_mtok', 'ii', 1],
  ['output_image_mtok', 'io', 1],
  // Of a thousand to one, or to a million.
  ['requests_kcount', 'q', 0.001],
  ['web_searches_kcount', 's', 1_000],
  ['audio_hours', 'us', 1_000_000 / 3_600],
]

function ratesAt(prices: ModelPrice, input: number): StoredRates {
  const rates: { -readonly [key in keyof StoredRates]: number } = {}
  for (const [name, stored, factor] of KEYS) {
    const price = prices[name]
    if (price !== undefined) rates[stored] = dollars(priceAt(price, input) * factor)
  }
  return rates
}

function priceAt(price: number | TieredPrices, input: number): number {
  if (!isTiered(price)) return price
  return price.tiers.findLast(({ start }) => input > start)?.price ?? price.base
}

function isTiered(price: number | TieredPrices | undefined): price is TieredPrices {
  return typeof price === 'object'
}

/** Half of the tokens' prices; fees for searches and requests stay. */
function scaled(rates: StoredRates, times: number): StoredRates {
  if (times === 1) return rates
  return Object.fromEntries(
    Object.entries(rates).map(([key, rate]) => [key, key === 's' || key === 'q' ? rate : dollars(rate * times)]),
  )
}

/** As many digits as a nano-dollar has. */
function dollars(amount: number): number {
  return Math.round(amount * 1e9) / 1e9
}

/** `16:30:00Z` in seconds of the day. */
function secondOf(time: string): number {
  const found = /^(\d{2}):(\d{2}):(\d{2})Z$/.exec(time)
  if (found === null) throw new Error(`a time of day that is not in UTC: ${time}`)
  const [, hours, minutes, seconds] = found.map(Number)
  return (hours ?? 0) * 3_600 + (minutes ?? 0) * 60 + (seconds ?? 0)
}

function clock(second: number): string {
  return `${String(Math.floor(second / 3_600)).padStart(2, '0')}:${String(Math.floor((second % 3_600) / 60)).padStart(2, '0')}`
}
