/**
 * What the gateway says about itself: the metrics of its workers as Prometheus text, the text of request records, the
 * access log and the operational log. It is not where requests are decided or stored (records and ledger are
 * `storage`), and it knows no business rules: a record comes in, lines and numbers go out.
 * Start reading at `metrics/row.ts` (what workers and the control thread share), then `access-log.ts` and `log.ts`.
 */
export { edgeFields } from './access-format.ts'
export { type AccessLevel, AccessLog, type AccessLogOptions, accessLevel } from './access-log.ts'
export { createLog, type Log, type LogFields, type LogLevel, type LogOptions } from './log.ts'
export { MetricsCollector, type Sample } from './metrics/collector.ts'
export {
  type AttemptResult,
  type CountedRecord,
  GATEWAY_METRICS,
  GatewayMetrics,
  LATENCY_BUCKETS,
  type RequestSeries,
} from './metrics/gateway-metrics.ts'
export { MetricsRegistry, type RegistryOptions } from './metrics/registry.ts'
export {
  createMetricsRow,
  DEFAULT_ROW_CELLS,
  type Labels,
  type Metric,
  type MetricType,
  type SeriesDescriptor,
} from './metrics/row.ts'
export { METRICS_CONTENT_TYPE } from './metrics/text.ts'
export { encodePacked, encodeRecord, MAX_RECORD_TEXT } from './record.ts'
export { RecordEncoder } from './record-encoder.ts'
export { isSecretField, REDACTED, redactText } from './redact.ts'
