import type { ConfigDocument } from '../config/index.ts'
import { poolStatus, type TargetStatus, viewCells } from '../core/index.ts'
import { monotonicUs, type SlotAllocator } from '../lib/index.ts'
import type { MetricsCollector } from '../observability/index.ts'

export interface UpstreamMetricsSources {
  readonly metrics: MetricsCollector
  readonly slots: SlotAllocator
  readonly counters: SharedArrayBuffer
  readonly seats: number
  readonly document: () => ConfigDocument
}

/** Gauges of the targets of pools, read from the memory in which workers agree on them. */
export function registerUpstreamMetrics({ metrics, slots, counters, seats, document }: UpstreamMetricsSources): void {
  const cells = viewCells(counters)
  const gauge = (name: string, help: string, value: (status: TargetStatus) => number) =>
    metrics.gauge({ name, help }, () => {
      const find = ({ name: slot }: { name: string }) => slots.find(slot)
      const source = { cells, seats, find, nowMs: monotonicUs() / 1_000 }
      return poolStatus(document(), source).map((status) => ({
        labels: { pool: status.pool, target: status.target },
        value: value(status),
      }))
    })
  gauge('ferro_upstream_in_flight', 'Requests on their way to a target, or in its answer.', ({ inFlight }) => inFlight)
  gauge('ferro_upstream_healthy', '0 while active checks call a target unhealthy, else 1.', ({ unhealthy }) =>
    unhealthy ? 0 : 1,
  )
  gauge('ferro_upstream_ejected', '1 while a target is ejected, else 0.', ({ ejected }) => (ejected ? 1 : 0))
  gauge(
    'ferro_upstream_breakers_open',
    'Routes whose breaker for a target is open or half-open.',
    ({ breakersOpen }) => breakersOpen,
  )
}
