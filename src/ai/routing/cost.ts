import { type Prices, type Rates, ruleFor } from '../models/price.ts'
import type { RoutingContext, RoutingTarget } from './contract.ts'

/**
 * What a request costs at a target, in nano-dollars: the estimated input as plain input, and as much output as the client
 * allows or the configuration supposes, the same for all targets. NaN for one without a price. A reservation takes the
 * dearest rates in place of these, which would make targets look dear for what a request seldom needs.
 */
export function costOf({ facts, wallMs }: RoutingContext): (target: RoutingTarget) => number {
  const { inputTokens, outputTokens } = facts
  return ({ target }) => {
    const { prices } = target
    if (prices === null) return Number.NaN
    const rule = ruleAt(prices, inputTokens, outputTokens, wallMs)
    return (inputTokens * rule.input + outputTokens * rule.output) / 1e6 + rule.request
  }
}

/** The same with all of the input read from the provider's cache. */
export function cachedCostOf({ facts, wallMs }: RoutingContext): (target: RoutingTarget) => number {
  const { inputTokens, outputTokens } = facts
  return ({ target }) => {
    const { prices } = target
    if (prices === null) return Number.NaN
    const rule = ruleAt(prices, inputTokens, outputTokens, wallMs)
    return (inputTokens * rule.cacheRead + outputTokens * rule.output) / 1e6 + rule.request
  }
}

function ruleAt(prices: Prices, inputTokens: number, outputTokens: number, wallMs: number): Rates {
  if (prices.conditional === undefined) return prices
  const none = { cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }
  return ruleFor(prices, { inputTokens, outputTokens, ...none }, wallMs)
}
