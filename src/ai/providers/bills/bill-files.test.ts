import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BillError, picoOf } from './bill.ts'
import { type Biller, readBill } from './bill-files.ts'

/** Day, model, item, picodollars, marks. */
function linesOf(text: string, biller: Biller) {
  return readBill(text, biller).map(({ date, model, item, pico, isBatch, isCached }) => [
    date,
    model,
    item,
    pico,
    ...(isBatch ? ['batch'] : []),
    ...(isCached ? ['cached'] : []),
  ])
}

test('reads amounts exactly, and knows by how much they may be rounded', () => {
  assert.deepEqual(picoOf('0.8958740000000000'), { pico: 895_874_000_000n, roundedPico: 1n })
  assert.deepEqual(picoOf('18.71'), { pico: 18_710_000_000_000n, roundedPico: 5_000_000_000n })
  assert.deepEqual(picoOf('123.45', 2), { pico: 1_234_500_000_000n, roundedPico: 50_000_000n })
  assert.deepEqual(picoOf('5e-7').pico, 500_000n)
  assert.deepEqual(picoOf('-1.5').pico, -1_500_000_000_000n)
  for (const wrong of ['', 'x', '1,5', '$1', 'NaN', '1.']) assert.throws(() => picoOf(wrong), BillError, wrong)
})

test("reads OpenAI's costs, as pages of its API and as the export of its dashboard", () => {
  const bucket = (start_time: number, results: unknown[]) => ({ object: 'bucket', start_time, end_time: 0, results })
  const result = (value: number, line_item: string | null) => ({ amount: { value, currency: 'usd' }, line_item })
  const first = {
    object: 'page',
    data: [
      bucket(1730419200, [
        result(0.06, 'gpt-4o-2024-08-06, input'),
        result(0.01, 'gpt-4o-2024-08-06, cached input'),
        result(0.02, 'gpt-4o-mini-2024-07-18, batch output'),
        result(0.03, 'Web search tool calls'),
        result(0.04, null),
        result(0.05, 'priority | gpt-5.6-sol, cached input, long context'),
        result(0.05, 'batch | o3-2025-04-16, output'),
        result(0.05, 'gpt-audio-mini-2025-12-15 audio, input'),
        result(0.05, 'gpt-image-2.5 text, cached input'),
        result(0.05, 'gpt-5.6-sol, cache writes'),
        result(0.05, 'whisper-1'),
        result(0.05, 'Vector storage'),
        result(0.05, 'Storage'),
      ]),
    ],
    has_more: true,
  }
  const second = { object: 'page', data: [bucket(1730505600, [result(0.5, 'o3, output')])], has_more: false }
  const expected = [
    ['2024-11-01', 'gpt-4o-2024-08-06', 'input', 60_000_000_000n],
    ['2024-11-01', 'gpt-4o-2024-08-06', 'cached input', 10_000_000_000n, 'cached'],
    ['2024-11-01', 'gpt-4o-mini-2024-07-18', 'batch output', 20_000_000_000n, 'batch'],
    ['2024-11-01', null, 'Web search tool calls', 30_000_000_000n],
    ['2024-11-01', null, '', 40_000_000_000n],
    ['2024-11-01', 'gpt-5.6-sol', 'priority cached input, long context', 50_000_000_000n, 'cached'],
    ['2024-11-01', 'o3-2025-04-16', 'batch output', 50_000_000_000n, 'batch'],
    ['2024-11-01', 'gpt-audio-mini-2025-12-15', 'audio input', 50_000_000_000n],
    ['2024-11-01', 'gpt-image-2.5', 'text cached input', 50_000_000_000n, 'cached'],
    ['2024-11-01', 'gpt-5.6-sol', 'cache writes', 50_000_000_000n],
    ['2024-11-01', 'whisper-1', 'whisper-1', 50_000_000_000n],
    ['2024-11-01', null, 'Vector storage', 50_000_000_000n],
    ['2024-11-01', null, 'Storage', 50_000_000_000n],
    ['2024-11-02', 'o3', 'output', 500_000_000_000n],
  ]
  assert.deepEqual(linesOf(JSON.stringify([first, second]), 'openai'), expected)
  assert.deepEqual(linesOf(`${JSON.stringify(first)}\n${JSON.stringify(second)}\n`, 'openai'), expected)
  assert.throws(() => readBill(JSON.stringify(first), 'openai'), /there are more/)
  const csv = `start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id
1759622400,1759708800,2025-10-05T00:00:00+00:00,2025-10-06T00:00:00+00:00,0.8958740000000000,usd,"gpt-5-mini-2025-08-07, output",p
1759708800,1759795200,2025-10-06T00:00:00+00:00,2025-10-07T00:00:00+00:00,,,,
`
  assert.deepEqual(linesOf(csv, 'openai'), [['2025-10-05', 'gpt-5-mini-2025-08-07', 'output', 895_874_000_000n]])
})

test("reads Anthropic's cost report, whose amounts are cents, and the export of its console, in dollars", () => {
  const report = {
    data: [
      {
        starting_at: '2026-08-01T00:00:00Z',
        ending_at: '2026-08-02T00:00:00Z',
        results: [
          {
            currency: 'USD',
            amount: '123.45',
            model: 'claude-opus-4-5-20251101',
            token_type: 'output_tokens',
            service_tier: 'batch',
          },
          { currency: 'USD', amount: '1', model: 'claude-opus-4-5-20251101', token_type: 'cache_read_input_tokens' },
          { currency: 'USD', amount: '2', model: null, cost_type: 'web_search' },
        ],
      },
    ],
    has_more: false,
  }
  assert.deepEqual(linesOf(JSON.stringify(report), 'anthropic'), [
    ['2026-08-01', 'claude-opus-4-5-20251101', 'output_tokens', 1_234_500_000_000n, 'batch'],
    ['2026-08-01', 'claude-opus-4-5-20251101', 'cache_read_input_tokens', 10_000_000_000n, 'cached'],
    ['2026-08-01', null, 'web_search', 20_000_000_000n],
  ])
  const csv = `usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,cost_type
2026-08-15,Claude Haiku 4.5,Default,k,message,≤ 200k,input_no_cache,0.19,token
2026-08-15,,Default,k,,,,0.05,web_search
`
  assert.deepEqual(linesOf(csv, 'anthropic'), [
    ['2026-08-15', 'Claude Haiku 4.5', 'input_no_cache', 190_000_000_000n],
    ['2026-08-15', null, 'web_search', 50_000_000_000n],
  ])
})

test('says what is wrong with a file that is no bill', () => {
  const rows: readonly [Biller, string, RegExp][] = [
    ['openai', '{"data":[{"start_time":"soon","results":[]}]}', /`soon` is no date/],
    ['openai', '{"error":"x"}', /no page of costs/],
    ['openai', '{"a":1}\n{', /line 2 is no JSON/],
    ['openai', 'a,b\n1,2\n', /no column `start_time`/],
    ['openai', '{"data":[{"start_time":1,"results":[{"amount":{"value":1,"currency":"eur"}}]}]}', /currency eur/],
    ['anthropic', 'usage_date_utc,cost_usd\n2026-08-15,free\n', /`free` is no amount/],
  ]
  for (const [biller, text, message] of rows) assert.throws(() => readBill(text, biller), message, text)
})
