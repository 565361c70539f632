import type { BudgetWarning } from '../../governance/index.ts'
import type { FromWorker } from '../messages.ts'

/** The line of the operational log for a budget that has reached a threshold. */
export function budgetWarningLog({ budget, threshold, spent }: BudgetWarning, requestId: string): FromWorker {
  const { level, unit, per, limit, timeZone } = budget
  const amounts = unit === 'tokens' ? { spent, limit } : { spent_usd: spent / 1e9, limit_usd: limit / 1e9 }
  return {
    type: 'log',
    level: 'warn',
    message: 'a budget has reached a threshold',
    fields: {
      budget: level,
      threshold_percent: threshold,
      ...amounts,
      per,
      time_zone: timeZone,
      request_id: requestId,
    },
  }
}
