import type { MetricsCollector, Sample } from '../observability/index.ts'
import type { KeyRegistry } from './key-registry.ts'
import type { Readiness } from './readiness.ts'
import { MAX_SHOWN, type ShownBudget, ShownBudgets } from './shown-budgets.ts'
import type { WorkerPool } from './worker-pool.ts'

export interface ProcessMetricsSources {
  readonly metrics: MetricsCollector
  readonly keys: KeyRegistry
  readonly counters: BigInt64Array
  readonly readiness: Readiness
  readonly pool: WorkerPool
}

/** Gauges that the control thread knows: budgets, journal, readiness, memory. Budgets are in their own unit. */
export function registerProcessMetrics({ metrics, keys, counters, readiness, pool }: ProcessMetricsSources): void {
  const shown = new ShownBudgets(keys, counters)
  const budget = (field: keyof ShownBudget['reading']) => (): Sample[] =>
    shown.current().map(({ labels, reading }) => ({ labels, value: reading[field] }))
  const gauge = (name: string, help: string, source: () => number | readonly Sample[]) =>
    metrics.gauge({ name, help }, source)
  gauge('ferro_budget_used', 'Spent and reserved in the current period.', budget('used'))
  gauge('ferro_budget_reserved', 'Reserved by requests in flight.', budget('reserved'))
  gauge('ferro_budget_spent', 'Spent in the current period, up to the limit.', budget('spent'))
  gauge(
    'ferro_budget_overshoot',
    'Spent beyond the limit, by upstreams that used more than was reserved.',
    budget('overshoot'),
  )
  gauge('ferro_budget_limit', 'The limit.', () =>
    shown.current().map(({ labels, limit }) => ({ labels, value: limit })),
  )
  gauge('ferro_budgets_not_shown', `Budgets beyond the ${MAX_SHOWN} that have used most of their limit.`, () => {
    shown.current()
    return shown.leftOut
  })
  gauge('ferro_ready', '1 when the process is ready, else 0.', () => (readiness.reasons.length === 0 ? 1 : 0))
  gauge('ferro_database_available', '1 when the database takes records, 0 when the journal alone keeps them.', () =>
    readiness.databaseAvailable ? 1 : 0,
  )
  gauge('ferro_journal_bytes', 'Bytes of the journal that are not in the database yet.', () => readiness.journalBytes)
  gauge('ferro_data_workers', 'Data workers that listen.', () => pool.listening)
  gauge('ferro_plan_version', 'Version of the plan in force.', () => pool.version)
  gauge('process_resident_memory_bytes', 'Resident memory of the process.', () => process.memoryUsage.rss())
  gauge('process_start_time_seconds', 'Start of the process, in seconds since the epoch.', () =>
    Math.round(Date.now() / 1000 - process.uptime()),
  )
}
