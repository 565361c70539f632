import type { Exchange, GatewayError, SettleHook } from '../core/index.ts'
import { type AccessLog, accessLevel, edgeFields, type GatewayMetrics, RecordEncoder } from '../observability/index.ts'
import type { JournalAppender, Outcome, RequestRecord } from '../storage/index.ts'
import { endInFlight, giveAdmissionBack } from './admit.ts'
import type { CounterDesk } from './counter-desk.ts'
import { KeyPrincipal, NO_LEVELS } from './key-principal.ts'
import type { NamelessRefusals } from './nameless-refusals.ts'
import { POLICY, type Ruling } from './policy/ruling.ts'
import { Reservation } from './reservation.ts'
import { runIdOf, saidValuesOf } from './said-values.ts'
import { budgetNanos, type Traffic, type TrafficPort, totalTokens, trafficInAll } from './traffic.ts'
import type { RequestValue } from './value-rules.ts'

export interface Sinks {
  readonly worker: number
  readonly journal: JournalAppender
  /** Looked up for each request: a reload may put another in its place. */
  accessLog: AccessLog
  readonly metrics: GatewayMetrics
  readonly refusals: NamelessRefusals
  /** Where requests in flight are counted; absent: nowhere. */
  readonly desk?: CounterDesk | undefined
}

/** What a settle hook leaves behind. */
export interface SettlementRules {
  /** Requests that leave a record; `errors`: those whose line in the access log is no `info`. */
  readonly record: 'all' | 'errors' | 'none'
  /** `edge`: lines of JSON also tell what an HTTP server knows: host, scheme, protocol, query, user agent. */
  readonly access: 'record' | 'edge'
}

const ALL: SettlementRules = { record: 'all', access: 'record' }

/** The settle hook of every route that leaves a record: charge, journal, metrics, access log. */
export function createSettlement(
  sinks: Sinks,
  port: TrafficPort | null,
  { record: recorded, access }: SettlementRules = ALL,
): SettleHook {
  const encoder = new RecordEncoder()
  return (x) => {
    if (x.inFlight !== null && sinks.desk !== undefined) endInFlight(x, sinks.desk)
    if (x.admission !== null && sinks.desk !== undefined) giveAdmissionBack(x, sinks.desk)
    const reservation = x.reservation instanceof Reservation ? x.reservation : null
    const last = port === null ? null : port.traffic(x)
    const traffic = reservation === null ? last : trafficInAll(reservation.before, last)
    const isOpen = reservation?.state === 'open' && last?.held !== true
    const tokens = last === null ? 0 : totalTokens(last)
    const charged = isOpen ? budgetNanos(last, reservation.estimate.nanos) : 0
    const warned = isOpen ? reservation.warnings(tokens, charged) : null
    const facts = recordOf(x, traffic, { worker: sinks.worker, warned, counted: reservation?.values ?? null })
    const isNameless = facts.outcome === 'refused' && x.principal === null && reservation === null
    if (isNameless && !sinks.refusals.admit(x.endedAt)) {
      sinks.metrics.series(x.route?.name).finish(facts)
      sinks.metrics.recordLeftOut()
      return
    }
    const level = accessLevel(facts.outcome, facts.status)
    const leavesRecord = recorded === 'all' || (recorded === 'errors' && level !== 'info')
    const record = leavesRecord ? encoder.pack(facts) : null
    if (record === null) {
      // What is reserved is settled by a record: routes that leave none reserve nothing.
    } else if (reservation?.state === 'open') {
      if (last?.held === true) {
        reservation.settleHeld(record)
      } else {
        reservation.settle(tokens, last?.costNanos ?? 0, last?.usageSource ?? 'none', record, charged)
      }
    } else {
      sinks.journal.record(`["q",${record}]`)
    }
    const series = traffic?.series ?? sinks.metrics.series(x.route?.name)
    series.finish(facts)
    const { accessLog } = sinks
    if (!accessLog.wants(level)) return
    if (accessLog.format === null)
      accessLog.write(encoder.members(facts), level, access === 'edge' ? edgeFields(x) : '')
    else accessLog.writeText(accessLog.format(x, facts))
  }
}

function statusOf(x: Exchange): number {
  return x.status === 0 ? 499 : x.status
}

function recordOf(
  x: Exchange,
  traffic: Traffic | null,
  { worker, warned, counted }: { worker: number; warned: string | null; counted: readonly RequestValue[] | null },
): RequestRecord {
  const said = saidValuesOf(x, counted)
  const error = x.error
  const principal = x.principal instanceof KeyPrincipal ? x.principal : null
  const named = principal?.named ?? NO_LEVELS
  const ruling = principal?.ruling ?? null
  return {
    id: x.id,
    client_request_id: x.head.clientRequestId,
    trace_id: x.traceId,
    time: x.time,
    worker,
    client_address: x.client.address,
    method: x.method,
    path: x.path,
    route: x.route?.name ?? null,
    key_id: x.principal?.id ?? null,
    run_id: runIdOf(x),
    model_requested: traffic?.modelRequested ?? null,
    model_served: traffic?.modelServed ?? null,
    provider: traffic?.provider ?? null,
    upstream: traffic?.upstream ?? x.candidate?.name ?? null,
    status: statusOf(x),
    outcome: x.end satisfies Outcome,
    error_code: error === null ? null : (x.route ?? x.plan.fallback).codeName(error.code),
    error_source: error?.source ?? null,
    attempts: x.attempts,
    stream: x.wantsStream,
    cancelled: x.cancelled,
    queue_us: x.dispatchedAt === 0 ? null : microseconds(x.dispatchedAt - x.startedAt),
    first_byte_us: x.firstByteAt === 0 ? null : microseconds(x.firstByteAt - x.startedAt),
    total_us: microseconds(x.endedAt - x.startedAt),
    bytes_in: x.body === null ? Math.max(x.bodyBytes, x.bytesIn) : x.body.length,
    bytes_out: x.bytesOut,
    input_tokens: traffic?.inputTokens ?? 0,
    cache_read_tokens: traffic?.cacheReadTokens ?? 0,
    cache_write_tokens: traffic?.cacheWriteTokens ?? 0,
    output_tokens: traffic?.outputTokens ?? 0,
    reasoning_tokens: traffic?.reasoningTokens ?? 0,
    usage_source: traffic?.usageSource ?? 'none',
    cost_nanos: traffic?.costNanos ?? null,
    price_rule: traffic?.priceRule ?? null,
    cache_write_1h_tokens: traffic?.cacheWrite1hTokens ?? 0,
    audio_input_tokens: traffic?.audioInputTokens ?? 0,
    audio_output_tokens: traffic?.audioOutputTokens ?? 0,
    image_input_tokens: traffic?.imageInputTokens ?? 0,
    image_output_tokens: traffic?.imageOutputTokens ?? 0,
    web_searches: traffic?.webSearches ?? 0,
    units: traffic?.units ?? 0,
    unit: traffic?.unit ?? null,
    translation: traffic?.translation ?? null,
    attempt_history: traffic?.attemptHistory ?? null,
    variant: traffic?.variant ?? null,
    organization: named.organization,
    team: named.team,
    project: named.project,
    user: named.user,
    budget_events: budgetEvents(traffic?.switchedBy ?? null, warned),
    policy: ruling === null ? null : policyOf(ruling, error),
    policy_version: ruling?.version ?? null,
    session: said.session,
    end_user: said.end_user,
    tags: said.tags,
  }
}

function budgetEvents(switchedBy: string | null, warned: string | null): string | null {
  if (switchedBy === null) return warned
  return warned === null ? `switch(${switchedBy})` : `switch(${switchedBy}), ${warned}`
}

/** What policies had to do with it: the one that refused, else all that applied. */
function policyOf(ruling: Ruling, error: GatewayError | null): string {
  const refused = error?.code === 'policy_denied' && error.reason !== null
  return refused ? `deny:${error.reason.slice(POLICY.length)}` : ruling.allowed
}

function microseconds(ms: number): number {
  return Math.round(ms * 1000)
}
