import type { UsageUnit } from '../../storage/index.ts'

/**
 * Integer nano-dollars per million of each. Where nothing else is said of an absent rate, what it would be for has no price:
 * a cost with it is not known.
 */
export interface Rates {
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheWrite: number
  /** Nano-dollars per request. */
  readonly request: number
  readonly cacheWrite1h?: number | undefined
  /** Absent: as `output`. */
  readonly reasoning?: number | undefined
  readonly audioInput?: number | undefined
  readonly audioOutput?: number | undefined
  /** Absent: as `input`, as nearly all models have it. */
  readonly imageInput?: number | undefined
  readonly imageOutput?: number | undefined
  /** Nano-dollars per million searches. */
  readonly webSearch?: number | undefined
  /** The same for an answer that searched, however often. */
  readonly searchedAnswer?: number | undefined
  /** What surfaces without tokens count, e.g. a million pictures. */
  readonly units?: Readonly<Partial<Record<UsageUnit, number>>> | undefined
  /** `input` or `output` is zero since nobody knows a price for it. */
  readonly unknown?: ReadonlySet<'input' | 'output'> | undefined
}

/** When a rule applies; all that is said must hold. */
export interface PriceCondition {
  /** Input of every kind is more than so many tokens. */
  readonly above?: number | undefined
  /** The upstream says that it served in this tier, e.g. `flex`. */
  readonly tier?: string | undefined
  /** The upstream says that it worked at this speed, e.g. `fast`. */
  readonly speed?: string | undefined
  /** The upstream says that it worked in this part of the world, e.g. `us`. */
  readonly region?: string | undefined
  /** Milliseconds since the epoch: from, and before. */
  readonly from?: number | undefined
  readonly to?: number | undefined
  /** Seconds of the UTC day; from, and before; may span midnight. */
  readonly hours?: readonly [from: number, to: number] | undefined
}

export interface PriceRule extends Rates {
  /** Names the rule in records and ledger. */
  readonly rule: string
  readonly when?: PriceCondition | undefined
}

/** The rates of a target, and those that replace them under conditions: the first whose condition holds counts. */
export interface Prices extends PriceRule {
  readonly conditional?: readonly PriceRule[] | undefined
  /** What an answer costs that these do not price wholly. */
  readonly otherwise?: Prices | undefined
  /** They stand for whatever way an answer was served in. */
  readonly anyWay?: true | undefined
}

/** Disjoint counts of one answer; what is absent is zero. */
export interface Usage {
  readonly inputTokens: number
  readonly cacheReadTokens: number
  readonly cacheWriteTokens: number
  readonly outputTokens: number
  readonly reasoningTokens: number
  readonly cacheWrite1hTokens?: number | undefined
  readonly audioInputTokens?: number | undefined
  readonly audioOutputTokens?: number | undefined
  readonly imageInputTokens?: number | undefined
  readonly imageOutputTokens?: number | undefined
  readonly webSearches?: number | undefined
  readonly units?: number | undefined
  readonly unit?: UsageUnit | undefined
  /** The tokens and the units are two measures of the same: a model is sold by one of them. */
  readonly eitherMeasure?: true | undefined
  /** The vendor's own price for it, in nano-dollars. */
  readonly costNanos?: number | undefined
  /** How the upstream says that it served, where that is not the ordinary way. */
  readonly serviceTier?: string | undefined
  readonly speed?: string | undefined
  readonly region?: string | undefined
}

const MILLION = 1_000_000

/** The rule that prices an answer that was asked for at `atMs`. */
export function ruleFor(prices: Prices, usage: Usage, atMs: number): PriceRule {
  const { conditional } = prices
  if (conditional === undefined) return prices
  const input = inputOf(usage)
  for (const rule of conditional) {
    const { above, tier, speed, region } = rule.when ?? {}
    if (above !== undefined && input <= above) continue
    if (tier !== undefined && tier !== usage.serviceTier) continue
    if (speed !== undefined && speed !== usage.speed) continue
    if (region !== undefined && region !== usage.region) continue
    if (inTime(rule.when, atMs)) return rule
  }
  return prices
}

/** Cost in nano-dollars of what has a rate in one rule: each charge line is rounded once, half up. */
export function costOf(rates: Rates, usage: Usage): number {
  const { cacheWrite1hTokens, audioInputTokens, audioOutputTokens, imageInputTokens, imageOutputTokens } = usage
  const { reasoning = rates.output } = rates
  let nanos =
    line(usage.inputTokens, rates.input) +
    line(usage.cacheReadTokens, rates.cacheRead) +
    line(usage.cacheWriteTokens, rates.cacheWrite) +
    rates.request
  // Where reasoning has no rate of its own, it is one line with the output.
  if (reasoning === rates.output) nanos += line(usage.outputTokens + usage.reasoningTokens, rates.output)
  else nanos += line(usage.outputTokens, rates.output) + line(usage.reasoningTokens, reasoning)
  if (cacheWrite1hTokens !== undefined) nanos += line(cacheWrite1hTokens, rates.cacheWrite1h ?? rates.cacheWrite)
  if (audioInputTokens !== undefined) nanos += line(audioInputTokens, rates.audioInput ?? rates.input)
  if (audioOutputTokens !== undefined) nanos += line(audioOutputTokens, rates.audioOutput ?? rates.output)
  if (imageInputTokens !== undefined) nanos += line(imageInputTokens, rates.imageInput ?? rates.input)
  if (imageOutputTokens !== undefined) nanos += line(imageOutputTokens, rates.imageOutput ?? rates.output)
  if (usage.webSearches !== undefined) nanos += searchesCost(rates, usage.webSearches)
  if (usage.unit !== undefined) nanos += line(usage.units ?? 0, rates.units?.[usage.unit] ?? 0)
  return capped(nanos)
}

function searchesCost({ webSearch, searchedAnswer }: Rates, searches: number): number {
  if (webSearch !== undefined) return line(searches, webSearch)
  return searchedAnswer === undefined || searches === 0 ? 0 : line(1, searchedAnswer)
}

/**
 * The most that this many tokens can cost, and by which rule: all input and all output at their dearest rates, of the
 * dearest rule that may still apply. Which tier serves is known afterwards only; a speed of its own is asked for by the client.
 */
export function dearestRule(
  prices: Prices,
  inputTokens: number,
  outputTokens: number,
  { atMs, mayBeFast = true, searches = 0, answers = 1 }: WorstCase,
): { readonly rule: PriceRule; readonly nanos: number } {
  const worst = (rule: PriceRule) =>
    capped(worstOf(rule, inputTokens, outputTokens) + worstSearches(rule, searches, answers))
  let dearest: { rule: PriceRule; nanos: number } = { rule: prices, nanos: worst(prices) }
  for (const rule of prices.conditional ?? []) {
    const { above, speed } = rule.when ?? {}
    if (speed !== undefined && !mayBeFast) continue
    if ((above !== undefined && inputTokens <= above) || !inTime(rule.when, atMs)) continue
    const nanos = worst(rule)
    if (nanos > dearest.nanos) dearest = { rule, nanos }
  }
  return dearest
}

/** The same amount alone. */
export function worstCost(prices: Prices, inputTokens: number, outputTokens: number, atMs = Date.now()): number {
  return dearestRule(prices, inputTokens, outputTokens, { atMs }).nanos
}

/** Beside its tokens, what may make an answer dearer. */
export interface WorstCase {
  readonly atMs: number
  /** It may be served at a speed with a price of its own. */
  readonly mayBeFast?: boolean
  /** Searches of all answers together. */
  readonly searches?: number
  readonly answers?: number
}

/** Whether searches of a vendor's own have a price. */
export function pricesSearches(prices: Prices): boolean {
  return [prices, ...(prices.conditional ?? [])].some(
    ({ webSearch, searchedAnswer }) => webSearch !== undefined || searchedAnswer !== undefined,
  )
}

function worstSearches({ webSearch, searchedAnswer }: Rates, searches: number, answers: number): number {
  if (searches === 0) return 0
  return webSearch === undefined ? line(answers, searchedAnswer ?? 0) : line(searches, webSearch)
}

function worstOf(rates: Rates, inputTokens: number, outputTokens: number): number {
  const { input, output, cacheRead, cacheWrite, request } = rates
  const { cacheWrite1h = 0, audioInput = 0, imageInput = 0 } = rates
  const { reasoning = 0, audioOutput = 0, imageOutput = 0 } = rates
  const dearestInput = Math.max(input, cacheRead, cacheWrite, cacheWrite1h, audioInput, imageInput)
  const dearestOutput = Math.max(output, reasoning, audioOutput, imageOutput)
  return capped(line(inputTokens, dearestInput) + line(outputTokens, dearestOutput) + request)
}

function inputOf(usage: Usage): number {
  const text = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens + (usage.cacheWrite1hTokens ?? 0)
  return text + (usage.audioInputTokens ?? 0) + (usage.imageInputTokens ?? 0)
}

const DAY_MS = 86_400_000

function inTime(when: PriceCondition | undefined, atMs: number): boolean {
  if (when === undefined) return true
  const { from, to, hours } = when
  if ((from !== undefined && atMs < from) || (to !== undefined && atMs >= to)) return false
  if (hours === undefined) return true
  const second = (atMs % DAY_MS) / 1_000
  const [start, end] = hours
  return end < start ? second >= start || second < end : second >= start && second < end
}

/** Amounts are counted exactly, or they are more than any budget holds. */
function capped(nanos: number): number {
  return Math.min(nanos, Number.MAX_SAFE_INTEGER)
}

function line(count: number, rate: number): number {
  const product = count * rate
  if (product <= Number.MAX_SAFE_INTEGER - MILLION) return Math.floor((product + MILLION / 2) / MILLION)
  const exact = (BigInt(count) * BigInt(rate) + BigInt(MILLION / 2)) / BigInt(MILLION)
  return exact > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(exact)
}
