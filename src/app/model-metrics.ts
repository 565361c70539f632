import type { ConfigDocument } from '../config/index.ts'
import type { MetricsCollector } from '../observability/index.ts'
import { type AnswerTimes, type ModelStatusSources, type ModelTargetStatus, modelStatus } from './model-status.ts'

export interface ModelMetricsSources extends ModelStatusSources {
  readonly metrics: MetricsCollector
  readonly document: () => ConfigDocument
}

const BREAKER = { closed: 0, half_open: 1, open: 2 } as const
/** All gauges of one rendering tell of one moment; it takes no longer. */
const SAME_MS = 50

/** Gauges of the targets of models, read from the memory in which workers agree on them. */
export function registerModelMetrics({ metrics, document, ...sources }: ModelMetricsSources): void {
  let read: { readonly atMs: number; readonly all: readonly ModelTargetStatus[] } | null = null
  const current = () => {
    const atMs = performance.now()
    if (read === null || atMs - read.atMs > SAME_MS) {
      // Of names that no entry has the worst is told; each of their places would be many series.
      read = { atMs, all: modelStatus(document(), sources).filter(({ place }) => place === null) }
    }
    return read.all
  }
  const gauge = (name: string, help: string, values: (status: ModelTargetStatus) => readonly Value[]) =>
    metrics.gauge({ name, help }, () =>
      current().flatMap((status) =>
        values(status).map(({ value, ...labels }) => ({ labels: { target: status.id, ...labels }, value })),
      ),
    )
  const one = (value: number | null | undefined) => (value == null ? [] : [{ value }])
  gauge('ferro_model_target_in_flight', "Attempts at a model's target that are on their way.", ({ inFlight }) =>
    one(inFlight),
  )
  gauge('ferro_model_target_served', 'Requests that have a place at a target with `concurrency`.', ({ bounded }) =>
    one(bounded?.served),
  )
  gauge('ferro_model_target_queued', 'Requests that wait for a place at a target with `concurrency`.', ({ bounded }) =>
    one(bounded?.queued),
  )
  gauge('ferro_model_target_breaker', '0 closed, 1 half-open, 2 open.', ({ breaker }) => one(BREAKER[breaker]))
  gauge('ferro_model_target_rest_seconds', 'How long a target, or its credential, is left alone yet.', ({ rest }) =>
    one((rest?.leftMs ?? 0) / 1_000),
  )
  gauge('ferro_model_target_failure_share', 'Share of failures among about the last fifty attempts.', (status) =>
    one(status.failureShare),
  )
  const times = (kind: string, known: AnswerTimes | null) =>
    known === null
      ? []
      : [
          { kind, quantile: '0.5', value: known.medianMs / 1_000 },
          { kind, quantile: '0.95', value: known.p95Ms / 1_000 },
        ]
  gauge(
    'ferro_model_target_first_byte_seconds',
    'Time until whole answers were there, and until the first words of streams, of the last 128 of each.',
    ({ whole, streamed }) => [...times('whole', whole), ...times('stream', streamed)],
  )
}

type Value = { readonly value: number; readonly kind?: string; readonly quantile?: string }
