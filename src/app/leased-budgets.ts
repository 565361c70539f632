import { type LimitsDocument, periodEnd, periodOf, type SharedCounter } from '../governance/index.ts'

/** The budgets among these limits that replicas share, in their present period: what was spent of them must be told. */
export function budgetLeases(limits: Iterable<LimitsDocument>, nowMs: number): SharedCounter[] {
  const counters: SharedCounter[] = []
  for (const { budgets } of limits) {
    for (const { lease, slot, limit, per, timeZone } of budgets) {
      if (lease === undefined) continue
      counters.push({
        kind: 'budget',
        name: lease.name,
        lease: lease.at,
        slot,
        limit,
        unitUs: 0,
        period: periodOf(per, nowMs, timeZone),
        endMs: periodEnd(per, nowMs, timeZone),
      })
    }
  }
  return counters
}
