import type { RequestRecord } from '../../storage/index.ts'
import type { MetricsRegistry } from './registry.ts'
import type { Labels, Metric } from './row.ts'

/** Every series that a data worker counts: name and help. Labels are in `RequestSeries` and `GatewayMetrics`. */
export const GATEWAY_METRICS = {
  requests: { name: 'ferro_requests_total', help: 'Requests that ended, by the status sent to the client.' },
  duration: {
    name: 'ferro_request_duration_seconds',
    help: 'Time from the start of a request to the end of its answer.',
  },
  firstByte: {
    name: 'ferro_first_byte_seconds',
    help: "Time from the start of a request to the first byte of the upstream's answer.",
  },
  tokens: { name: 'ferro_tokens_total', help: 'Tokens used, in kinds that do not overlap.' },
  cost: { name: 'ferro_cost_nanodollars_total', help: 'Cost of what was used, in nano-dollars (1e-9 USD).' },
  withoutCost: {
    name: 'ferro_requests_without_cost_total',
    help: 'Requests that used tokens and cost nothing: their model has no price, or none for all of it, or prices of zero.',
  },
  budgetWarnings: {
    name: 'ferro_budget_warnings_total',
    help: 'Thresholds of budgets that were reached, by percentage; the log says which.',
  },
  inFlight: { name: 'ferro_requests_in_flight', help: 'Requests that are being served now.' },
  attempts: { name: 'ferro_upstream_attempts_total', help: 'Attempts dispatched to a provider, by result.' },
  hedges: {
    name: 'ferro_hedges_total',
    help: 'Second requests beside one that was slow, by what became of them: won, lost or failed.',
  },
  shadows: {
    name: 'ferro_shadows_total',
    help: 'Copies of requests for a shadow: sent, or dropped because too many were on their way.',
  },
  targetAttempts: {
    name: 'ferro_model_attempts_total',
    help: "Attempts at a model's target that are over, by outcome and by the class of the failure.",
  },
  targetRests: {
    name: 'ferro_model_rests_total',
    help: 'Times that a target or a credential was left alone for a while, by the class of the failure.',
  },
  refused: { name: 'ferro_refused_total', help: 'Requests that the gateway refused itself, by error code.' },
  leftOut: {
    name: 'ferro_records_left_out_total',
    help: 'Refusals without a known caller that left no record, because there were too many of them.',
  },
  unreadable: {
    name: 'ferro_requests_unreadable_total',
    help: 'Refused because they are no HTTP that can be read, by error code; they leave no record.',
  },
  connectionsRefused: {
    name: 'ferro_connections_refused_total',
    help: 'Client connections that were closed as they came, by whose bound was reached.',
  },
  clientConnections: { name: 'ferro_client_connections', help: 'Connections of clients that are open now.' },
  loopLag: {
    name: 'ferro_event_loop_lag_seconds',
    help: 'How late the event loop of a worker was lately, 99th percentile; what overload is judged by.',
  },
  loadLevel: {
    name: 'ferro_load_level',
    help: 'How loaded a worker is: 0 normal, 1 strained (routes of low importance are refused), 2 overloaded.',
  },
  cancelled: { name: 'ferro_cancelled_total', help: 'Requests whose client left before the end.' },
  connections: {
    name: 'ferro_upstream_connections_total',
    help: 'Connections that were asked for, by what became of them.',
  },
  usageEstimated: {
    name: 'ferro_usage_estimated_total',
    help: 'Requests whose usage the upstream did not report, so that it was estimated.',
  },
} as const satisfies Record<string, Metric>

/** Seconds; from what the gateway itself takes to the longest answers. */
export const LATENCY_BUCKETS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
]

/** Statuses that are told apart; any other is counted as its class (`4xx`), so that an upstream cannot invent series. */
const STATUSES = [
  200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 402, 403, 404, 405, 408, 409, 411, 413, 414, 415,
  422, 425, 429, 431, 499, 500, 501, 502, 503, 504, 529,
] as const

/** The fields of a request record that are counted. */
export type CountedRecord = Pick<
  RequestRecord,
  | 'status'
  | 'outcome'
  | 'error_code'
  | 'attempts'
  | 'cancelled'
  | 'total_us'
  | 'first_byte_us'
  | 'input_tokens'
  | 'cache_read_tokens'
  | 'cache_write_tokens'
  | 'output_tokens'
  | 'reasoning_tokens'
  | 'usage_source'
  | 'cost_nanos'
  | 'price_rule'
>

/** How an attempt ended; `cancelled` by the client, or by the end of a drain's grace. */
export type AttemptResult = 'success' | 'error' | 'timeout' | 'connect_error' | 'cancelled'

/**
 * The gateway's own series of one worker. Prepare `series` when a plan is compiled, with names from the configuration
 * only: a name that a client made up must never become a label.
 */
export class GatewayMetrics {
  readonly #registry: MetricsRegistry
  readonly #series = new Map<string, RequestSeries>()
  readonly #refused = new Map<string, number>()
  readonly #connections = new Map<string, number>()
  readonly #attempts = new Map<string, number>()
  readonly #inFlight: number
  readonly #cancelled: number
  readonly #usageEstimated: number

  constructor(registry: MetricsRegistry) {
    this.#registry = registry
    this.#inFlight = registry.gauge(GATEWAY_METRICS.inFlight)
    this.#cancelled = registry.counter(GATEWAY_METRICS.cancelled)
    this.#usageEstimated = registry.counter(GATEWAY_METRICS.usageEstimated)
  }

  /** The handle for one route, model and provider, and variant of a test; `none` stands for what a request did not come to. */
  series(route = 'none', model = 'none', provider = 'none', variant: string | null = null): RequestSeries {
    const key = `${route}\n${model}\n${provider}\n${variant ?? ''}`
    let series = this.#series.get(key)
    if (series === undefined) {
      series = new RequestSeries(this.#registry, this, {
        route,
        model,
        provider,
        ...(variant === null ? {} : { variant }),
      })
      this.#series.set(key, series)
    }
    return series
  }

  /** A refusal leaves no record, see governance's NamelessRefusals. */
  recordLeftOut(): void {
    this.#registry.add(this.#registry.counter(GATEWAY_METRICS.leftOut), 1)
  }

  /** A second request, beside one for this entry of the configuration that was slow, has ended like this. */
  hedged(model: string, result: 'won' | 'lost' | 'failed'): void {
    this.#registry.add(this.#registry.counter(GATEWAY_METRICS.hedges, { model, result }), 1)
  }

  /** A budget has reached this percentage. */
  budgetWarned(threshold: number): void {
    this.#registry.add(this.#registry.counter(GATEWAY_METRICS.budgetWarnings, { threshold: String(threshold) }), 1)
  }

  /** A copy of a request for this entry of the configuration was made, or not. */
  mirrored(model: string, result: 'sent' | 'dropped'): void {
    this.#registry.add(this.#registry.counter(GATEWAY_METRICS.shadows, { model, result }), 1)
  }

  /** A client sent what is no request. */
  unreadable(code: string): void {
    this.#registry.add(this.#registry.counter(GATEWAY_METRICS.unreadable, { code }), 1)
  }

  /** A client's connection was closed as it came. */
  connectionRefused(reason: string): void {
    this.#registry.add(this.#registry.counter(GATEWAY_METRICS.connectionsRefused, { reason }), 1)
  }

  /** A connection to an upstream stands, or will not: `connected`, `denied`, `failed` or `abandoned`. */
  connection(outcome: string): void {
    let slot = this.#connections.get(outcome)
    if (slot === undefined) {
      slot = this.#registry.counter(GATEWAY_METRICS.connections, { outcome })
      this.#connections.set(outcome, slot)
    }
    this.#registry.add(slot, 1)
  }

  /** An attempt at a target is over; null: it was answered. Names are of the configuration, classes of a closed list. */
  attempted(target: string, failure: string | null): void {
    const key = `${target}\n${failure ?? ''}`
    let slot = this.#attempts.get(key)
    if (slot === undefined) {
      const outcome = failure === null ? 'success' : failure === 'cancelled' ? 'cancelled' : 'failure'
      slot = this.#registry.counter(GATEWAY_METRICS.targetAttempts, { target, outcome, class: failure ?? 'none' })
      this.#attempts.set(key, slot)
    }
    this.#registry.add(slot, 1)
  }

  /** A target, or a credential, rests for this. */
  rested(what: string, failure: string): void {
    this.#registry.add(this.#registry.counter(GATEWAY_METRICS.targetRests, { target: what, class: failure }), 1)
  }

  /** How late the thread's event loop is, and what is refused for that. */
  setLoad(worker: number, { lagMs, level }: { readonly lagMs: number; readonly level: number }): void {
    const labels = { worker: String(worker) }
    this.#registry.set(this.#registry.gauge(GATEWAY_METRICS.loopLag, labels), Math.round(lagMs) / 1_000)
    this.#registry.set(this.#registry.gauge(GATEWAY_METRICS.loadLevel, labels), level)
  }

  /** Connections of clients now. */
  setClientConnections(count: number): void {
    this.#registry.set(this.#registry.gauge(GATEWAY_METRICS.clientConnections), count)
  }

  /** Requests in flight now. */
  setInFlight(count: number): void {
    this.#registry.set(this.#inFlight, count)
  }

  /** What does not depend on route, model and provider; called by `RequestSeries.finish`. */
  ended(record: CountedRecord): void {
    const registry = this.#registry
    if (record.cancelled) registry.add(this.#cancelled, 1)
    if (record.usage_source === 'estimated') registry.add(this.#usageEstimated, 1)
    if (record.outcome === 'refused') registry.add(this.#refusedSlot(record.error_code ?? 'none'), 1)
  }

  #refusedSlot(code: string): number {
    let slot = this.#refused.get(code)
    if (slot === undefined) {
      slot = this.#registry.counter(GATEWAY_METRICS.refused, { code })
      // Codes of refusals come from a closed table; the bound keeps a mistake from growing this map.
      if (this.#refused.size < 256) this.#refused.set(code, slot)
    }
    return slot
  }
}

type SeriesLabels = Labels & { readonly route: string; readonly model: string; readonly provider: string }

/** Counts the ends of requests of one route, model and provider. Its slots are taken at first use and kept. */
export class RequestSeries {
  readonly #registry: MetricsRegistry
  readonly #gateway: GatewayMetrics
  readonly #labels: SeriesLabels
  readonly #statusSlots = new Int32Array(600)
  readonly #duration: number
  readonly #attemptSlots: Record<AttemptResult, number> = {
    success: 0,
    error: 0,
    timeout: 0,
    connect_error: 0,
    cancelled: 0,
  }
  #firstByte = -1
  #tokens: TokenSlots | null = null

  /** Use `GatewayMetrics.series`. */
  constructor(registry: MetricsRegistry, gateway: GatewayMetrics, labels: SeriesLabels) {
    this.#registry = registry
    this.#gateway = gateway
    this.#labels = labels
    this.#duration = registry.histogram(GATEWAY_METRICS.duration, labels, LATENCY_BUCKETS)
  }

  /** Counts one request that ended. */
  finish(record: CountedRecord): void {
    const registry = this.#registry
    registry.add(this.#statusSlot(record.status), 1)
    registry.observe(this.#duration, record.total_us / 1e6)
    if (record.first_byte_us !== null) {
      if (this.#firstByte === -1) {
        this.#firstByte = registry.histogram(GATEWAY_METRICS.firstByte, this.#labels, LATENCY_BUCKETS)
      }
      registry.observe(this.#firstByte, record.first_byte_us / 1e6)
    }
    if (record.usage_source !== 'none') {
      this.#tokens ??= tokenSlots(registry, this.#labels.model, this.#labels.provider)
      registry.add(this.#tokens.input, record.input_tokens)
      registry.add(this.#tokens.cacheRead, record.cache_read_tokens)
      registry.add(this.#tokens.cacheWrite, record.cache_write_tokens)
      registry.add(this.#tokens.output, record.output_tokens)
      registry.add(this.#tokens.reasoning, record.reasoning_tokens)
      registry.add(this.#tokens.cost, record.cost_nanos ?? 0)
      if (!record.cost_nanos && usedSomething(record)) this.#withoutCost(record)
    }
    if (record.attempts > 0) registry.add(this.#attemptSlot(attemptResult(record)), 1)
    this.#gateway.ended(record)
  }

  #withoutCost(record: CountedRecord): void {
    const { model, provider } = this.#labels
    const unknown = isIncomplete(record) ? 'incomplete' : 'unpriced'
    const labels = { model, provider, reason: record.cost_nanos === null ? unknown : 'zero' }
    this.#registry.add(this.#registry.counter(GATEWAY_METRICS.withoutCost, labels), 1)
  }

  #attemptSlot(result: AttemptResult): number {
    const slots = this.#attemptSlots
    // 0 is no series' slot: it stands for one that was not asked for yet.
    if (slots[result] === 0) {
      const { provider } = this.#labels
      slots[result] = this.#registry.counter(GATEWAY_METRICS.attempts, { provider, result })
    }
    return slots[result]
  }

  #statusSlot(status: number): number {
    const known = this.#statusSlots[status] ?? 0
    if (known !== 0) return known
    const slot = this.#registry.counter(GATEWAY_METRICS.requests, { ...this.#labels, status: statusLabel(status) })
    if (status > 0 && status < this.#statusSlots.length) this.#statusSlots[status] = slot
    return slot
  }
}

/** The result of a request's only attempt, by the request's end. */
function attemptResult({ outcome, error_code: code }: CountedRecord): AttemptResult {
  switch (outcome) {
    case 'success':
    case 'timeout':
    case 'cancelled':
      return outcome
    case 'drained':
      return 'cancelled'
    case 'upstream_error':
      return code === 'upstream_unreachable' || code === 'upstream_tls' ? 'connect_error' : 'error'
    case 'refused':
    case 'gateway_error':
    case 'lost':
      return 'error'
  }
}

/** Something in it has no price, as the name of its rule says. */
function isIncomplete({ cost_nanos: cost, price_rule: rule }: CountedRecord): boolean {
  return cost === null && rule?.includes('+unpriced:') === true
}

function usedSomething(record: CountedRecord): boolean {
  const input = record.input_tokens + record.cache_read_tokens + record.cache_write_tokens
  if (input + record.output_tokens + record.reasoning_tokens > 0) return true
  return isIncomplete(record)
}

interface TokenSlots {
  readonly input: number
  readonly cacheRead: number
  readonly cacheWrite: number
  readonly output: number
  readonly reasoning: number
  readonly cost: number
}

function tokenSlots(registry: MetricsRegistry, model: string, provider: string): TokenSlots {
  const slot = (kind: string): number => registry.counter(GATEWAY_METRICS.tokens, { model, provider, kind })
  return {
    input: slot('input'),
    cacheRead: slot('cache_read'),
    cacheWrite: slot('cache_write'),
    output: slot('output'),
    reasoning: slot('reasoning'),
    cost: registry.counter(GATEWAY_METRICS.cost, { model, provider }),
  }
}

function statusLabel(status: number): string {
  const known: readonly number[] = STATUSES
  if (known.includes(status)) return String(status)
  return status >= 100 && status < 600 ? `${Math.floor(status / 100)}xx` : 'other'
}
