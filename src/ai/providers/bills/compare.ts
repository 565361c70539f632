import { compareText } from '../../../lib/index.ts'
import type { BillLine } from './bill.ts'

/** What the ledger has of one day and model of the provider. */
export interface LedgerDay {
  readonly date: string
  readonly model: string
  readonly requests: number
  readonly nanos: number
  /** Of the attempts whose rows are still there: without a cost, with an estimated usage, charged in full. */
  readonly unpriced: number
  readonly estimated: number
  readonly reserved: number
  readonly cacheReadTokens: number
}

/** One day and model on both sides; null where a side has nothing. */
export interface Compared {
  readonly date: string
  /** As the bill names it, or else the ledger. */
  readonly model: string
  readonly billNanos: number | null
  readonly ledgerNanos: number | null
  readonly status: 'equal' | 'within' | 'missing-here' | 'missing-there' | 'differs'
  /** Why they may differ, the likeliest first. */
  readonly why: readonly string[]
}

/** How far both sides may be apart. */
export interface Tolerance {
  /** Share of the larger one: 0.01 is one percent. */
  readonly share: number
  readonly nanos: number
}

interface Pair {
  readonly date: string
  model: string
  readonly lines: BillLine[]
  readonly days: LedgerDay[]
}

const DAY_MS = 86_400_000
/** A bill has all of a day only after a while. */
const SETTLING_DAYS = 2
const PICO_PER_NANO = 1_000n
/** Ratios of several days that are so near are one price. */
const SAME_PRICE = 0.005

/** Compares a bill with the ledger by day and model. */
export function compare(
  lines: readonly BillLine[],
  days: readonly LedgerDay[],
  { tolerance, nowMs, idOf = (model) => model }: CompareOptions,
): Compared[] {
  const familyOf = memoized((model) => spelling(idOf(model)))
  // A bill that names no models at all is compared by day.
  const byModel = lines.length === 0 || lines.some(({ model }) => model !== null)
  const pairs = new Map<string, Pair>()
  const pairOf = (date: string, model: string) => {
    const key = `${date} ${familyOf(model)}`
    let pair = pairs.get(key)
    if (pair === undefined) {
      pair = { date, model, lines: [], days: [] }
      pairs.set(key, pair)
    }
    return pair
  }
  for (const line of lines) pairOf(line.date, byModel ? (line.model ?? itemName(line)) : 'all models').lines.push(line)
  for (const day of days) pairOf(day.date, byModel ? day.model : 'all models').days.push(day)
  const sorted = [...pairs.values()].sort((a, b) => compareText(a.date, b.date) || compareText(a.model, b.model))
  const ratios = steadyRatios(sorted, tolerance, familyOf)
  return sorted
    .filter((pair) => pair.lines.length > 0 || ledgerOf(pair) !== 0 || pair.days.some(({ unpriced }) => unpriced > 0))
    .map((pair) => judged(pair, { tolerance, nowMs, ratio: ratios.get(familyOf(pair.model)) ?? null, pairs, familyOf }))
}

/** How bill and ledger are compared. */
export interface CompareOptions {
  readonly tolerance: Tolerance
  /** Tells which days a bill may not have yet. */
  readonly nowMs: number
  /** The vendor's own id behind an alias or a dated name; absent: names are what they are. */
  readonly idOf?: (model: string) => string
}

function memoized(of: (text: string) => string): (text: string) => string {
  const known = new Map<string, string>()
  return (text) => {
    const found = known.get(text) ?? of(text)
    known.set(text, found)
    return found
  }
}

/** One name for all spellings of a model: dated or not, of an API or for people, with the words in any order. */
export function spelling(model: string): string {
  const words = model
    .toLowerCase()
    .replace(/[-@](?:\d{4}-\d{2}-\d{2}|\d{8}|latest|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))$/, '')
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
  return words.sort().join('-')
}

interface Judging {
  readonly tolerance: Tolerance
  readonly nowMs: number
  /** The bill over the ledger, where it is the same on several days. */
  readonly ratio: number | null
  readonly pairs: ReadonlyMap<string, Pair>
  readonly familyOf: (model: string) => string
}

function judged(pair: Pair, judging: Judging): Compared {
  const { date, model, lines, days } = pair
  const billNanos = lines.length === 0 ? null : billOf(pair)
  const ledgerNanos = days.length === 0 ? null : ledgerOf(pair)
  const both = { date, model, billNanos, ledgerNanos }
  const difference = (billNanos ?? 0) - (ledgerNanos ?? 0)
  if (difference === 0) return { ...both, status: 'equal', why: [] }
  const rounded = Number(lines.reduce((sum, { roundedPico }) => sum + roundedPico, 0n)) / 1e3
  if (Math.abs(difference) <= rounded + 1) return { ...both, status: 'within', why: ['rounding of the bill'] }
  if (isWithin(billNanos ?? 0, ledgerNanos ?? 0, judging.tolerance)) return { ...both, status: 'within', why: [] }
  if (ledgerNanos === null) return { ...both, status: 'missing-here', why: [missingHere(lines)] }
  if (billNanos === null) return { ...both, status: 'missing-there', why: [missingThere(date, judging.nowMs)] }
  return { ...both, status: 'differs', why: reasons(pair, difference, judging) }
}

function missingHere(lines: readonly BillLine[]): string {
  if (lines.every(({ model }) => model === null)) return 'an item of its own in the bill; the ledger counts by model'
  return 'nothing of it went through this gateway: another client of the account, or another data directory'
}

function missingThere(date: string, nowMs: number): string {
  const ageDays = (nowMs - Date.parse(`${date}T00:00:00Z`)) / DAY_MS
  if (ageDays < SETTLING_DAYS) return 'the bill may not have this day yet'
  return 'billed to another account or project, served under another name, or nothing was charged for it'
}

function reasons(pair: Pair, difference: number, { ratio, pairs, tolerance, nowMs, familyOf }: Judging): string[] {
  const { lines, days, date, model } = pair
  const count = (name: 'unpriced' | 'estimated' | 'reserved' | 'cacheReadTokens') =>
    days.reduce((sum, day) => sum + day[name], 0)
  const dollars = (nanos: number) => `$${(nanos / 1e9).toFixed(4)}`
  const why: string[] = []
  const batch = nanosOf(lines.filter(({ isBatch }) => isBatch))
  const ledger = ledgerOf(pair)
  const bill = billOf(pair)
  if (batch > 0) {
    const isFull = isWithin(bill + batch, ledger, tolerance)
    why.push(`batch: ${dollars(batch)} at batch prices${isFull ? ', which the ledger has at full price' : ''}`)
  }
  const cached = nanosOf(lines.filter(({ isCached }) => isCached))
  if (cached > 0 && count('cacheReadTokens') === 0) {
    why.push(`cache: ${dollars(cached)} for cached input, and the records have none`)
  }
  if (difference > 0 && count('unpriced') > 0)
    why.push(`${count('unpriced')} requests have no cost here: no price is known`)
  if (count('reserved') > 0)
    why.push(`${count('reserved')} requests were charged in full: lost, or a batch that goes on`)
  if (count('estimated') > 0) why.push(`the usage of ${count('estimated')} requests was estimated`)
  const moved = [-1, 1].some((step) => {
    const other = pairs.get(`${dayAfter(date, step)} ${familyOf(model)}`)
    return other !== undefined && isWithin(bill + billOf(other), ledger + ledgerOf(other), tolerance)
  })
  if (moved) why.push('midnight: together with a day beside it both sides agree')
  if (ratio !== null) why.push(`price: the bill is ${ratio.toFixed(3)} times the ledger on every day of this model`)
  const ageDays = (nowMs - Date.parse(`${date}T00:00:00Z`)) / DAY_MS
  if (difference < 0 && ageDays < SETTLING_DAYS) why.push('the bill may not have all of this day yet')
  if (why.length === 0)
    why.push(difference > 0 ? 'more was billed than went through here' : 'less was billed, nothing says why')
  return why
}

/** Of models that differ on two days at least: what the bill is over the ledger, where that is always the same. */
function steadyRatios(
  pairs: readonly Pair[],
  tolerance: Tolerance,
  familyOf: (model: string) => string,
): Map<string, number> {
  const ratios = new Map<string, number>()
  for (const [family, ofModel] of Map.groupBy(pairs, ({ model }) => familyOf(model))) {
    const both = ofModel.filter((pair) => pair.lines.length > 0 && ledgerOf(pair) > 0)
    const each = both.map((pair) => billOf(pair) / ledgerOf(pair))
    const [first] = each
    if (first === undefined || each.length < 2) continue
    const total =
      both.reduce((sum, pair) => sum + billOf(pair), 0) / both.reduce((sum, pair) => sum + ledgerOf(pair), 0)
    if (each.every((ratio) => Math.abs(ratio / total - 1) <= SAME_PRICE) && Math.abs(total - 1) > tolerance.share) {
      ratios.set(family, total)
    }
  }
  return ratios
}

function isWithin(a: number, b: number, { share, nanos }: Tolerance): boolean {
  return Math.abs(a - b) <= Math.max(nanos, share * Math.max(Math.abs(a), Math.abs(b)))
}

function billOf({ lines }: Pair): number {
  return nanosOf(lines)
}

function ledgerOf({ days }: Pair): number {
  return days.reduce((sum, day) => sum + day.nanos, 0)
}

function nanosOf(lines: readonly BillLine[]): number {
  const pico = lines.reduce((sum, line) => sum + line.pico, 0n)
  const half = pico < 0n ? -PICO_PER_NANO / 2n : PICO_PER_NANO / 2n
  return Number((pico + half) / PICO_PER_NANO)
}

function itemName({ item }: BillLine): string {
  return item === '' ? 'other items' : item
}

function dayAfter(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10)
}
