import { levelsOf, type Reserved } from '../journal/decode.ts'
import { packRecord, type RecordRow, rowOf } from '../record-fields.ts'
import type { RequestRecord, UsageSource } from '../records.ts'

/**
 * The record of a request whose worker died before it could write one: what its reservation says, and nothing
 * invented. With `reserved` its whole reservation is charged (as input tokens, since the kinds are unknown); with `none`
 * its attempts were settled before and nothing is added.
 */
export function lostRecord(entry: Reserved, worker: number, usage: UsageSource & ('reserved' | 'none')): RecordRow {
  const { requestId: id, attempt, reservedAt, keyId, provider, model, tokens, nanos, priceRule } = entry
  const charged = usage === 'reserved'
  const levels = levelsOf(entry)
  const idIn = (kind: string) => levels.find((name) => name.startsWith(`${kind}:`))?.slice(kind.length + 1) ?? null
  const record: RequestRecord = {
    id,
    client_request_id: null,
    trace_id: '',
    time: reservedAt,
    worker,
    client_address: null,
    method: '',
    path: '',
    route: null,
    key_id: keyId,
    run_id: null,
    model_requested: null,
    model_served: model,
    provider,
    upstream: null,
    status: 0,
    outcome: 'lost',
    error_code: 'worker_lost',
    error_source: 'gateway',
    attempts: attempt,
    stream: false,
    cancelled: false,
    queue_us: null,
    first_byte_us: null,
    total_us: 0,
    bytes_in: 0,
    bytes_out: 0,
    input_tokens: charged ? tokens : 0,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    output_tokens: 0,
    reasoning_tokens: 0,
    usage_source: usage,
    cost_nanos: charged && priceRule !== null ? nanos : null,
    price_rule: charged ? priceRule : null,
    cache_write_1h_tokens: 0,
    audio_input_tokens: 0,
    audio_output_tokens: 0,
    image_input_tokens: 0,
    image_output_tokens: 0,
    web_searches: 0,
    units: 0,
    unit: null,
    translation: null,
    attempt_history: null,
    variant: null,
    organization: idIn('organization'),
    team: idIn('team'),
    project: idIn('project'),
    user: idIn('user'),
    budget_events: null,
    policy: null,
    policy_version: null,
    session: null,
    end_user: null,
    tags: null,
  }
  return rowOf(JSON.parse(packRecord(record))) as RecordRow // complete by its type
}
