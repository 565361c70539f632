/** Time to write one request record as text, for access log and journal: `node bench/micro/record.ts`. */
import { encodePacked, encodeRecord, RecordEncoder } from '../../src/observability/index.ts'
import type { RequestRecord } from '../../src/storage/index.ts'

const record: RequestRecord = {
  id: '0199d3f4-5a7b-7c3d-8e4f-1a2b3c4d5e6f',
  client_request_id: null,
  trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
  time: 1_795_255_200_123,
  worker: 1,
  client_address: '127.0.0.1',
  method: 'POST',
  path: '/v1/chat/completions',
  route: 'chat.completions',
  key_id: 'development',
  run_id: null,
  model_requested: 'fast-chat',
  model_served: 'gpt-4o-mini',
  provider: 'mock',
  upstream: 'http://127.0.0.1:9000',
  status: 200,
  outcome: 'success',
  error_code: null,
  error_source: null,
  attempts: 1,
  stream: false,
  cancelled: false,
  queue_us: 214,
  first_byte_us: 60_812,
  total_us: 61_033,
  bytes_in: 1_024,
  bytes_out: 2_311,
  input_tokens: 214,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  output_tokens: 112,
  reasoning_tokens: 0,
  usage_source: 'reported',
  cost_nanos: 99_300,
  price_rule: 'fast-chat/0',
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
}

const ROUNDS = 7
const PER_ROUND = 200_000
// Every request has an id, trace and times of its own; without that the engine's caches would flatter both.
const records = Array.from({ length: 512 }, (_, i) => ({
  ...record,
  id: `0199d3f4-5a7b-7c3d-8e4f-${i.toString(16).padStart(12, '0')}`,
  trace_id: i.toString(16).padStart(32, '0'),
  time: record.time + i,
  total_us: record.total_us + i * 7,
  first_byte_us: 60_812 + i * 7,
}))

/** Times are of text that is flat: a concatenation alone is a tree that the next reader would pay for. */
const sink = Buffer.alloc(4_096)
const encoder = new RecordEncoder()
const variants: readonly (readonly [string, (r: RequestRecord) => string])[] = [
  ['access log: RecordEncoder', (r) => encoder.members(r)],
  ['access log: encodeRecord', encodeRecord],
  ['journal: RecordEncoder', (r) => encoder.pack(r)],
  ['journal: encodePacked', encodePacked],
  ['JSON.stringify', (r) => JSON.stringify(r)],
]
for (const withWrite of [false, true]) {
  for (const [name, encode] of variants) {
    const times: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      let length = 0
      const start = performance.now()
      for (let i = 0; i < PER_ROUND; i++) {
        const text = encode(records[i & 511] ?? record)
        length += withWrite ? sink.write(text, 'latin1') : text.length
      }
      times.push(((performance.now() - start) * 1_000) / PER_ROUND)
      if (length === 0) throw new Error('nothing was written')
    }
    times.sort((a, b) => a - b)
    const label = `${name}${withWrite ? ' + write to a buffer' : ''}`
    console.log(
      `${label.padEnd(48)} ${(times[ROUNDS >> 1] ?? 0).toFixed(3)} µs median, ${(times[0] ?? 0).toFixed(3)} best`,
    )
  }
}
