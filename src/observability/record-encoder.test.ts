import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RequestRecord } from '../storage/index.ts'
import { encodePacked, encodeRecord } from './record.ts'
import { RecordEncoder } from './record-encoder.ts'

const word = fc.constantFrom('a', 'b', '"status":1', '\\"price_rule":', '/v1/x', '"worker":2', 'é\u2028')
const wordOrNull = fc.option(word)
const rareWord = fc.constantFrom(null, null, 'acme', 'é\u2028')
const count = fc.nat()
const rareCount = fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: count })

const records: fc.Arbitrary<RequestRecord> = fc.record({
  id: fc.constantFrom('01a1', '01a2'),
  client_request_id: fc.constantFrom(null, 'mine'),
  trace_id: fc.constantFrom('0a', '0b'),
  time: count,
  worker: fc.constantFrom(1, 2),
  client_address: fc.constantFrom(null, '127.0.0.1'),
  method: fc.constantFrom('POST', 'GET'),
  path: word,
  route: wordOrNull,
  key_id: fc.constantFrom(null, 'one', 'two'),
  run_id: wordOrNull,
  model_requested: wordOrNull,
  model_served: wordOrNull,
  provider: wordOrNull,
  upstream: wordOrNull,
  status: fc.constantFrom(200, 500),
  outcome: fc.constantFrom('success', 'refused'),
  error_code: wordOrNull,
  error_source: fc.constantFrom(null, 'client'),
  attempts: count,
  stream: fc.boolean(),
  cancelled: fc.boolean(),
  queue_us: fc.option(count),
  first_byte_us: fc.option(count),
  total_us: count,
  bytes_in: count,
  bytes_out: count,
  input_tokens: count,
  cache_read_tokens: count,
  cache_write_tokens: count,
  output_tokens: count,
  reasoning_tokens: count,
  usage_source: fc.constantFrom('reported', 'none'),
  cost_nanos: fc.option(count),
  price_rule: wordOrNull,
  cache_write_1h_tokens: rareCount,
  audio_input_tokens: rareCount,
  audio_output_tokens: rareCount,
  image_input_tokens: rareCount,
  image_output_tokens: rareCount,
  web_searches: rareCount,
  units: rareCount,
  unit: fc.constantFrom(null, null, null, 'images'),
  translation: wordOrNull,
  attempt_history: wordOrNull,
  variant: wordOrNull,
  organization: rareWord,
  team: rareWord,
  project: rareWord,
  user: rareWord,
  budget_events: rareWord,
  policy: rareWord,
  policy_version: rareWord,
  session: rareWord,
  end_user: rareWord,
  tags: rareWord,
})
/** A route of the configuration knows no keys and no models. */
const NO_MODEL = {
  client_request_id: null,
  key_id: null,
  run_id: null,
  model_requested: null,
  model_served: null,
  provider: null,
  price_rule: null,
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
}
/** A success has no error. */
const likely = fc
  .tuple(records, fc.boolean())
  .map(([r, isPlainRoute]) => (isPlainRoute ? { ...r, ...NO_MODEL } : r))
  .map((r) => (r.outcome === 'success' ? { ...r, error_code: null, error_source: null } : r))

test('encodes each of many records as if it had seen no other', () => {
  fc.assert(
    fc.property(fc.array(likely, { minLength: 1, maxLength: 40 }), (list) => {
      const encoder = new RecordEncoder()
      // Each twice, so that the second meets what the first left behind.
      for (const record of list.flatMap((r) => [r, { ...r, total_us: r.total_us + 1 }])) {
        assert.equal(`{${encoder.members(record)}}`, encodeRecord(record))
        assert.equal(encoder.pack(record), encodePacked(record))
      }
    }),
  )
})

test('keeps a bounded number of keys', () => {
  const encoder = new RecordEncoder()
  const [sample] = fc.sample(likely, 1)
  assert.ok(sample !== undefined)
  for (let i = 0; i < 2_000; i++) {
    const record: RequestRecord = {
      ...sample,
      outcome: 'success',
      error_code: null,
      error_source: null,
      client_request_id: null,
      key_id: `key-${i}`,
    }
    assert.equal(`{${encoder.members(record)}}`, encodeRecord(record))
    assert.equal(encoder.pack(record), encodePacked(record))
  }
})
