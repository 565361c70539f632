import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RequestRecord } from '../storage/index.ts'
import { encodeRecord, MAX_RECORD_TEXT } from './record.ts'

const HOSTILE = [
  '',
  '"',
  '\\',
  '\u0000\u001f\u007f\u0080\u009f',
  '\r\n{"level":"error"}',
  '\u001b[2J',
  '\u2028\u2029\u202e',
  '\ud800',
  '\udc00x',
  'a\ud83d',
  '😀',
  '__proto__',
]

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.constantFrom(...HOSTILE))
const textOrNull = fc.option(text)
const count = fc.nat()
const countOrNull = fc.option(count)

const records: fc.Arbitrary<RequestRecord> = fc.record({
  id: text,
  client_request_id: textOrNull,
  trace_id: text,
  time: fc.maxSafeNat(),
  worker: count,
  client_address: textOrNull,
  method: text,
  path: text,
  route: textOrNull,
  key_id: textOrNull,
  run_id: textOrNull,
  model_requested: textOrNull,
  model_served: textOrNull,
  provider: textOrNull,
  upstream: textOrNull,
  status: count,
  outcome: fc.constantFrom('success', 'refused', 'upstream_error', 'lost'),
  error_code: textOrNull,
  error_source: fc.constantFrom(null, 'client', 'upstream', 'gateway'),
  attempts: count,
  stream: fc.boolean(),
  cancelled: fc.boolean(),
  queue_us: countOrNull,
  first_byte_us: countOrNull,
  total_us: count,
  bytes_in: count,
  bytes_out: count,
  input_tokens: count,
  cache_read_tokens: count,
  cache_write_tokens: count,
  output_tokens: count,
  reasoning_tokens: count,
  usage_source: fc.constantFrom('reported', 'estimated', 'reserved', 'none'),
  cost_nanos: fc.option(fc.maxSafeNat()),
  price_rule: textOrNull,
  cache_write_1h_tokens: count,
  audio_input_tokens: count,
  audio_output_tokens: count,
  image_input_tokens: count,
  image_output_tokens: count,
  web_searches: count,
  units: count,
  unit: fc.constantFrom(null, 'images', 'seconds', 'characters', 'searches'),
  translation: textOrNull,
  attempt_history: textOrNull,
  variant: textOrNull,
  organization: textOrNull,
  team: textOrNull,
  project: textOrNull,
  user: textOrNull,
  budget_events: textOrNull,
  policy: textOrNull,
  policy_version: fc.constantFrom(null, '0123456789ab'),
  session: textOrNull,
  end_user: textOrNull,
  tags: textOrNull,
})
const [sample] = fc.sample(records, 1)
assert.ok(sample !== undefined)

/** Texts that are not ours. */
const OUTSIDE = [
  'path',
  'model_requested',
  'model_served',
  'client_request_id',
  'run_id',
  'error_code',
  'method',
  'key_id',
  'provider',
  'upstream',
  'route',
  'client_address',
  'price_rule',
  'translation',
] as const

test('parses back to an equal record, whatever the texts hold', () => {
  fc.assert(
    fc.property(records, (record) => {
      const line = encodeRecord(record)
      // fast-check makes objects without a prototype; JSON.parse makes ordinary ones.
      assert.deepEqual(JSON.parse(line), { ...record })
    }),
    { numRuns: 500 },
  )
})

test('is one line that no terminal acts upon', () => {
  fc.assert(
    fc.property(records, fc.constantFrom(...OUTSIDE), fc.constantFrom(...HOSTILE), (record, field, hostile) => {
      const line = encodeRecord({ ...record, id: 'x', trace_id: 'x', [field]: hostile })
      assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/)
    }),
    { numRuns: 500 },
  )
})

test('survives the way to bytes and back', () => {
  fc.assert(
    fc.property(records, (record) => {
      assert.deepEqual(JSON.parse(Buffer.from(encodeRecord(record)).toString()), { ...record })
    }),
  )
})

test('cuts what somebody outside made too long, never inside a character', () => {
  for (const field of OUTSIDE) {
    const parsed: Record<string, unknown> = JSON.parse(encodeRecord({ ...sample, [field]: 'x'.repeat(1_048_576) }))
    assert.equal(parsed[field], 'x'.repeat(MAX_RECORD_TEXT))
  }
  const path = `${'x'.repeat(MAX_RECORD_TEXT - 1)}😀tail`
  const parsed: Record<string, unknown> = JSON.parse(encodeRecord({ ...sample, path }))
  assert.equal(parsed['path'], 'x'.repeat(MAX_RECORD_TEXT - 1))
})

test('writes null for a number that is not one', () => {
  const parsed: Record<string, unknown> = JSON.parse(encodeRecord({ ...sample, total_us: Number.NaN, bytes_in: 1 / 0 }))
  assert.equal(parsed['total_us'], null)
  assert.equal(parsed['bytes_in'], null)
})
