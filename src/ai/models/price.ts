/** Rates of a target: integer nano-dollars per million units, `request` nano-dollars per request. */
export interface Prices {
  /** Names the rule in records and ledger. */
  readonly rule: string
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheWrite: number
  readonly request: number
}

/** Disjoint counts of one answer. */
export interface Usage {
  readonly inputTokens: number
  readonly cacheReadTokens: number
  readonly cacheWriteTokens: number
  readonly outputTokens: number
  readonly reasoningTokens: number
}

const MILLION = 1_000_000

/** Cost in nano-dollars: each charge line is rounded once, half up; reasoning is billed as output. */
export function costOf(prices: Prices, usage: Usage): number {
  return capped(
    line(usage.inputTokens, prices.input) +
      line(usage.cacheReadTokens, prices.cacheRead) +
      line(usage.cacheWriteTokens, prices.cacheWrite) +
      line(usage.outputTokens + usage.reasoningTokens, prices.output) +
      prices.request,
  )
}

/** The most that this many tokens can cost: all input at its dearest rate. */
export function worstCost(prices: Prices, inputTokens: number, outputTokens: number): number {
  const dearest = Math.max(prices.input, prices.cacheRead, prices.cacheWrite)
  return capped(line(inputTokens, dearest) + line(outputTokens, prices.output) + prices.request)
}

/** Amounts are counted exactly, or they are more than any budget holds. */
function capped(nanos: number): number {
  return Math.min(nanos, Number.MAX_SAFE_INTEGER)
}

function line(tokens: number, rate: number): number {
  const product = tokens * rate
  if (product <= Number.MAX_SAFE_INTEGER - MILLION) return Math.floor((product + MILLION / 2) / MILLION)
  const exact = (BigInt(tokens) * BigInt(rate) + BigInt(MILLION / 2)) / BigInt(MILLION)
  return exact > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(exact)
}
