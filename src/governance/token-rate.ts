/**
 * Tokens per minute, by the algorithm of rate-limit.ts with as many intervals at once as a request has tokens. They are
 * taken by the estimate when an attempt is reserved; what was not used is given back at its settlement, and what was used
 * beyond it is owed.
 */
import { GatewayError } from '../core/index.ts'
import { cellOf, numberOf } from '../lib/index.ts'
import { levelInWords, type TokenRateDocument } from './level-document.ts'

export const MINUTE_US = 60_000_000

/** Takes so many tokens from every rate, or from none. `nowUs` of `monotonicUs`. */
export function takeTokens(
  cells: BigInt64Array,
  rates: readonly TokenRateDocument[],
  { tokens, nowUs }: { readonly tokens: number; readonly nowUs: number },
): GatewayError | null {
  for (let at = 0; at < rates.length; at++) {
    const rate = rates[at] as TokenRateDocument // in range
    const waitUs = take(cells, rate, tokens, nowUs)
    if (waitUs === 0) continue
    for (let taken = at - 1; taken >= 0; taken--) {
      const { slot, limit } = rates[taken] as TokenRateDocument // as above
      Atomics.sub(cells, slot, cellOf(costUs(tokens, limit)))
    }
    return tokensRefused(rate, tokens, waitUs)
  }
  return null
}

/** Replaces what was taken by what was used. */
export function giveTokensBack(
  cells: BigInt64Array,
  rates: readonly TokenRateDocument[],
  taken: number,
  used: number,
): void {
  for (const { slot, limit } of rates) {
    const difference = costUs(taken, limit) - costUs(Math.min(used, Number.MAX_SAFE_INTEGER / MINUTE_US), limit)
    if (difference !== 0) Atomics.sub(cells, slot, cellOf(difference))
  }
}

/** What is known of a rate from before a restart, on the monotonic clock of this process (negative before it began). */
export interface TokenPast {
  /** How far it ran ahead, as it was saved; null when it was not. */
  readonly arrivalUs: number | null
  /** What was taken since then, in the order of time. */
  readonly taken: Iterable<{ readonly atUs: number; readonly tokens: number }>
}

/**
 * Puts a rate where it was before a restart; only before it is in use. It never runs further ahead of the clock than a limit that was
 * used up now, whatever clocks were set to meanwhile.
 */
export function restoreTokens(
  cells: BigInt64Array,
  { slot, limit }: TokenRateDocument,
  { arrivalUs, taken }: TokenPast,
  nowUs: number,
): void {
  let restored = arrivalUs ?? Number.NEGATIVE_INFINITY
  for (const { atUs, tokens } of taken) {
    restored = Math.max(restored, atUs) + costUs(Math.min(tokens, limit), limit)
  }
  restored = Math.min(Math.floor(restored), nowUs + MINUTE_US)
  if (restored > 0) Atomics.store(cells, slot, BigInt(restored))
}

/** Whole tokens that may be taken now. */
export function remainingTokens(cells: BigInt64Array, { slot, limit }: TokenRateDocument, nowUs: number): number {
  const aheadUs = Math.max(0, numberOf(cells[slot] ?? 0n) - nowUs)
  return Math.max(0, Math.floor(((MINUTE_US - aheadUs) * limit) / MINUTE_US))
}

/** Rounded up, so that a minute never holds more than the limit. */
function costUs(tokens: number, limit: number): number {
  return Math.ceil((tokens * MINUTE_US) / limit)
}

function take(cells: BigInt64Array, { slot, limit }: TokenRateDocument, tokens: number, nowUs: number): number {
  if (tokens > limit) return Number.POSITIVE_INFINITY
  const cost = costUs(tokens, limit)
  let held = cells[slot] ?? 0n
  // As in rate-limit.ts.
  for (let isCertain = false; ; ) {
    const arrivalUs = Math.max(numberOf(held), nowUs)
    const waitUs = arrivalUs + cost - MINUTE_US - nowUs
    if (waitUs <= 0) {
      const found = Atomics.compareExchange(cells, slot, held, cellOf(arrivalUs + cost))
      if (found === held) return 0
      held = found
    } else {
      if (isCertain) return waitUs
      held = Atomics.load(cells, slot)
    }
    isCertain = true
  }
}

/** What is said of a request for which a rate of tokens has no room; Infinity: it will never have. */
export function tokensRefused({ level, limit }: TokenRateDocument, tokens: number, waitUs: number): GatewayError {
  const of = `${limit} tokens per minute for ${levelInWords(level)}`
  if (waitUs === Number.POSITIVE_INFINITY) {
    const message = `Request too large: it may take ${tokens} tokens, and the rate limit is ${of}. Ask for fewer at once.`
    return new GatewayError('rate_limit_exceeded', message)
  }
  const seconds = Math.ceil(waitUs / 1_000_000)
  const message = `Rate limit reached: ${of}. Retry in ${seconds} s.`
  return new GatewayError('rate_limit_exceeded', message, { retryAfterSeconds: seconds })
}
