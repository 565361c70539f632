import type { ConfigDocument } from '../config/index.ts'
import { Trial, trialSlot, viewCells } from '../core/index.ts'
import type { SlotAllocator } from '../lib/index.ts'
import type { MetricsCollector } from '../observability/index.ts'

export interface CanaryMetricsSources {
  readonly metrics: MetricsCollector
  readonly slots: SlotAllocator
  readonly counters: SharedArrayBuffer
  readonly document: () => ConfigDocument
}

/** Gauges of the canaries of models, read from the memory in which workers judge them. */
export function registerCanaryMetrics({ metrics, slots, counters, document }: CanaryMetricsSources): void {
  const cells = viewCells(counters)
  const gauge = (name: string, help: string, value: (trial: Trial) => number) =>
    metrics.gauge({ name, help }, () =>
      Object.entries(document().models).flatMap(([model, { canary }]) => {
        const index = canary === undefined ? null : slots.find(trialSlot(model, JSON.stringify(canary)).name)
        if (canary === undefined || index === null) return []
        const trial = new Trial(cells, index, { failures: 0, over: canary.stop.over, restartMs: null })
        const target = `${canary.target.provider}/${canary.target.model}`
        return [{ labels: { model, target }, value: value(trial) }]
      }),
    )
  gauge('ferro_canary_stopped', '1 while a canary gets no requests since too many failed, else 0.', ({ stopped }) =>
    stopped ? 1 : 0,
  )
  gauge('ferro_canary_failures', 'Failures among the last attempts at a canary.', ({ failed }) => failed)
}
