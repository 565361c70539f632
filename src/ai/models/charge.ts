import { costOf, type PriceRule, type Prices, ruleFor, type Usage } from './price.ts'

/** What one answer costs, and by which rule. */
export interface Charge {
  /** Nano-dollars; null when not all of it has a price: never a sum that silently leaves something out. */
  readonly nanos: number | null
  /** With `+unpriced:` and what has no price in it. */
  readonly rule: string
  /** What is certain: the part that has a price. */
  readonly leastNanos: number
}

/** Who asks for money, as far as charging needs to know. */
export interface Payee {
  readonly provider: string
  readonly prices: Prices | null
  /** Its vendor documents that answers tell what they cost, and the configuration has no price of its own. */
  readonly tellsCost: boolean
}

/** What a reported or estimated usage costs at a target; null for one without any price. */
export function chargeAt(payee: Payee, usage: Usage, isReported: boolean, atMs: number): Charge | null {
  const { prices, provider, tellsCost } = payee
  const { costNanos } = usage
  if (isReported && tellsCost && costNanos !== undefined) {
    return { nanos: costNanos, rule: `reported:${provider}`, leastNanos: costNanos }
  }
  return prices === null ? null : chargeBy(prices, usage, atMs)
}

/** What a usage costs by these prices. */
export function chargeBy(prices: Prices, usage: Usage, atMs: number): Charge {
  const rule = ruleFor(prices, usage, atMs)
  const measured = usage.eitherMeasure === true ? oneMeasure(rule, usage) : usage
  const nanos = costOf(rule, measured)
  const missing = missingIn(rule, measured)
  if (prices.anyWay !== true) missing.push(...unknownWays(rule, usage))
  if (missing.length === 0) return { nanos, rule: rule.rule, leastNanos: nanos }
  const otherwise = prices.otherwise === undefined ? null : chargeBy(prices.otherwise, usage, atMs)
  if (otherwise !== null && otherwise.nanos !== null) return otherwise
  return { nanos: null, rule: `${rule.rule}+unpriced:${missing.join(',')}`, leastNanos: nanos }
}

/** The measure that a model is sold by: units where they have a price, else tokens where these have one. */
function oneMeasure(rule: PriceRule, usage: Usage): Usage {
  const { unit, units, eitherMeasure: _, ...tokens } = usage
  if (unit === undefined) return tokens
  const sellsTokens = rule.input > 0 || rule.output > 0
  const isFree = rule.input === 0 && rule.output === 0 && rule.unknown === undefined
  if (rule.units?.[unit] === undefined && (sellsTokens || isFree) && countsTokens(tokens)) return tokens
  return { ...NO_TOKENS, unit, units }
}

const NO_TOKENS = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 }

function countsTokens({ inputTokens, outputTokens, imageOutputTokens = 0, audioOutputTokens = 0 }: Usage): boolean {
  return inputTokens + outputTokens + imageOutputTokens + audioOutputTokens > 0
}

/** Counters of which this rule knows no rate. */
function missingIn(rule: PriceRule, usage: Usage): string[] {
  const missing: string[] = []
  const { unknown } = rule
  if (unknown?.has('input') === true) {
    if (usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens > 0) missing.push('input')
  }
  if (unknown?.has('output') === true && usage.outputTokens + usage.reasoningTokens > 0) missing.push('output')
  if ((usage.cacheWrite1hTokens ?? 0) > 0 && rule.cacheWrite1h === undefined) missing.push('cache_write_1h')
  if ((usage.audioInputTokens ?? 0) > 0 && rule.audioInput === undefined) missing.push('audio_input')
  if ((usage.audioOutputTokens ?? 0) > 0 && rule.audioOutput === undefined) missing.push('audio_output')
  if ((usage.imageOutputTokens ?? 0) > 0 && rule.imageOutput === undefined) missing.push('image_output')
  const searches = rule.webSearch ?? rule.searchedAnswer
  if ((usage.webSearches ?? 0) > 0 && searches === undefined) missing.push('web_search')
  const { unit, units = 0 } = usage
  // Who is paid by the request counts nothing within it.
  if (unit !== undefined && units > 0 && rule.units?.[unit] === undefined && rule.request === 0) missing.push(unit)
  return missing
}

/** Ways of serving that the answer names and the rule does not. */
function unknownWays({ when }: PriceRule, { serviceTier, speed, region }: Usage): readonly string[] {
  if (serviceTier === undefined && speed === undefined && region === undefined) return []
  const ways = []
  if (serviceTier !== undefined && when?.tier !== serviceTier) ways.push(`service_tier=${wordOf(serviceTier)}`)
  if (speed !== undefined && when?.speed !== speed) ways.push(`speed=${wordOf(speed)}`)
  if (region !== undefined && when?.region !== region) ways.push(`region=${wordOf(region)}`)
  return ways
}

/** A word of an upstream's as names of rules may have it. */
function wordOf(text: string): string {
  return text.replaceAll(/[^\w.-]/g, '_').slice(0, 32)
}
