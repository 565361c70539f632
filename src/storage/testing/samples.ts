import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import type { AuditEntry } from '../audit-entry.ts'
import type { BudgetCharge } from '../journal/format.ts'
import { packRecord } from '../record-fields.ts'
import type { RequestRecord } from '../records.ts'

/** A new directory that is removed when the test ends. */
export function temporaryDirectory(t: TestContext): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'ferro-storage-'))
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A request id (UUIDv7) for a number: ids of larger numbers are later. */
export function requestId(n: number, ms = Date.UTC(2026, 0, 15)): string {
  const hex = ms.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`
}

/** The record of a served request, with what the test wants different. */
export function sampleRecord(id: string, differences: Partial<RequestRecord> = {}): RequestRecord {
  return {
    id,
    client_request_id: null,
    trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
    time: Date.UTC(2026, 0, 15),
    worker: 0,
    client_address: '127.0.0.1',
    method: 'POST',
    path: '/v1/chat/completions',
    route: 'chat.completions',
    key_id: 'dev',
    run_id: null,
    model_requested: 'fast-chat',
    model_served: 'small',
    provider: 'wall',
    upstream: 'http://127.0.0.1:9000',
    status: 200,
    outcome: 'success',
    error_code: null,
    error_source: null,
    attempts: 1,
    stream: false,
    cancelled: false,
    queue_us: 120,
    first_byte_us: 800,
    total_us: 1000,
    bytes_in: 300,
    bytes_out: 320,
    input_tokens: 20,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    output_tokens: 12,
    reasoning_tokens: 0,
    usage_source: 'reported',
    cost_nanos: 12_345,
    price_rule: 'small@1',
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
    organization: null,
    team: null,
    project: null,
    user: null,
    budget_events: null,
    policy: null,
    policy_version: null,
    session: null,
    end_user: null,
    tags: null,
    ...differences,
  }
}

export interface EntryOptions {
  readonly attempt?: number
  readonly tokens?: number
  readonly nanos?: number
  readonly keyId?: string | null
  readonly reservedAt?: number
  readonly record?: RequestRecord | null
}

/** A reservation's entry as JSON: 100 tokens, 50,000 nanos unless told. */
export function reserveText(id: string, options: EntryOptions = {}): string {
  const { attempt = 1, tokens = 100, nanos = 50_000, keyId = 'dev', reservedAt = Date.UTC(2026, 0, 15) } = options
  return JSON.stringify([
    'r',
    id,
    attempt,
    reservedAt,
    keyId,
    'wall',
    'small',
    tokens,
    nanos,
    'small@1',
    charge(tokens),
  ])
}

/** A settlement's entry as JSON: 32 tokens, 12,345 nanos, with a record unless told. */
export function settleText(id: string, options: EntryOptions = {}): string {
  const { attempt = 1, tokens = 32, nanos = 12_345, record = sampleRecord(id) } = options
  const head = JSON.stringify(['s', id, attempt, tokens, nanos, 'reported', charge(tokens)]).slice(0, -1)
  return `${head},${record === null ? 'null' : packRecord(record)}]`
}

/** The entry of a request that reserved nothing. */
export function recordText(record: RequestRecord): string {
  return `["q",${packRecord(record)}]`
}

function charge(tokens: number): BudgetCharge[] {
  return [['key:dev:tokens:month', 24_313, tokens]]
}

/** A line of the audit log. */
export function sampleEntry(differences: Partial<AuditEntry> = {}): AuditEntry {
  const nobody = { actor: 'ops', address: '127.0.0.1', request_id: 'req-1' }
  const what = { action: 'key.create', target: 'key:a', outcome: 'done', reason: null, before: null } as const
  return { time: 1_000, ...nobody, ...what, after: { id: 'a' }, ...differences }
}
