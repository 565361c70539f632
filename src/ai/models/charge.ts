import type { Traffic } from '../../governance/index.ts'
import { costOf, type Prices, ruleFor, type Usage } from './price.ts'

/** Whose prices count. */
export interface Charged {
  readonly provider: string
  readonly prices: Prices | null
}

/**
 * What usage costs, and the rule that says so. What the upstream itself says that its answer costs wins over our prices;
 * an estimate of ours it did not see.
 */
export function chargeOf(
  { prices, provider }: Charged,
  usage: Usage,
  { source, time }: { readonly source: Traffic['usageSource']; readonly time: number },
): [nanos: number | null, rule: string | null] {
  if (source === 'reported' && usage.costNanos !== undefined) return [usage.costNanos, `reported:${provider}`]
  if (prices === null) return [null, null]
  if (source === 'none') return [0, prices.rule]
  const rule = ruleFor(prices, usage, time)
  return [costOf(rule, usage), rule.rule]
}
