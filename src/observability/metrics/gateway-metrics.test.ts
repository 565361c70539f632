import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MetricsCollector } from './collector.ts'
import { type CountedRecord, GatewayMetrics } from './gateway-metrics.ts'
import { MetricsRegistry } from './registry.ts'
import { createMetricsRow } from './row.ts'

const SUCCESS: CountedRecord = {
  status: 200,
  outcome: 'success',
  error_code: null,
  attempts: 1,
  cancelled: false,
  total_us: 61_000,
  first_byte_us: 60_000,
  input_tokens: 10,
  cache_read_tokens: 3,
  cache_write_tokens: 2,
  output_tokens: 7,
  reasoning_tokens: 1,
  usage_source: 'reported',
  cost_nanos: 4_200,
  price_rule: 'test',
}

function setUp(): { metrics: GatewayMetrics; lines: () => string[] } {
  const collector = new MetricsCollector()
  const row = createMetricsRow()
  collector.attach(1, row)
  const registry = new MetricsRegistry({ row, onSeries: (series) => collector.describe(1, series) })
  return { metrics: new GatewayMetrics(registry), lines: () => collector.render().split('\n') }
}

test('counts a served request in every series that it belongs to', () => {
  const { metrics, lines } = setUp()
  metrics.series('chat.completions', 'fast', 'demo').finish(SUCCESS)
  for (const line of [
    'ferro_requests_total{model="fast",provider="demo",route="chat.completions",status="200"} 1',
    'ferro_request_duration_seconds_bucket{model="fast",provider="demo",route="chat.completions",le="0.1"} 1',
    'ferro_request_duration_seconds_bucket{model="fast",provider="demo",route="chat.completions",le="0.05"} 0',
    'ferro_first_byte_seconds_sum{model="fast",provider="demo",route="chat.completions"} 0.06',
    'ferro_tokens_total{kind="input",model="fast",provider="demo"} 10',
    'ferro_tokens_total{kind="cache_read",model="fast",provider="demo"} 3',
    'ferro_tokens_total{kind="cache_write",model="fast",provider="demo"} 2',
    'ferro_tokens_total{kind="output",model="fast",provider="demo"} 7',
    'ferro_tokens_total{kind="reasoning",model="fast",provider="demo"} 1',
    'ferro_cost_nanodollars_total{model="fast",provider="demo"} 4200',
    'ferro_upstream_attempts_total{provider="demo",result="success"} 1',
    'ferro_requests_in_flight 0',
    'ferro_cancelled_total 0',
    'ferro_usage_estimated_total 0',
  ]) {
    assert.ok(lines().includes(line), `${line}\n---\n${lines().join('\n')}`)
  }
})

test('A1, A7: tokens without a cost are counted, so that they can raise an alarm', () => {
  const { metrics, lines } = setUp()
  const series = metrics.series('chat.completions', 'fast', 'demo')
  series.finish(SUCCESS)
  series.finish({ ...SUCCESS, cost_nanos: null })
  series.finish({ ...SUCCESS, cost_nanos: null, price_rule: 'test+unpriced:web_search' })
  series.finish({ ...SUCCESS, cost_nanos: 0 })
  series.finish({ ...SUCCESS, cost_nanos: 0, usage_source: 'none' })
  const empty = { input_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0, output_tokens: 0, reasoning_tokens: 0 }
  series.finish({ ...SUCCESS, ...empty, cost_nanos: null })
  const found = lines().filter((line) => line.startsWith('ferro_requests_without_cost_total{'))
  assert.deepEqual(found.sort(), [
    'ferro_requests_without_cost_total{model="fast",provider="demo",reason="incomplete"} 1',
    'ferro_requests_without_cost_total{model="fast",provider="demo",reason="unpriced"} 1',
    'ferro_requests_without_cost_total{model="fast",provider="demo",reason="zero"} 1',
  ])
})

test('shows the requests in flight as they were last told', () => {
  const { metrics, lines } = setUp()
  metrics.setInFlight(2)
  assert.ok(lines().includes('ferro_requests_in_flight 2'))
  metrics.setInFlight(1)
  assert.ok(lines().includes('ferro_requests_in_flight 1'))
})

test('counts refusals by code, cancels and estimates', () => {
  const { metrics, lines } = setUp()
  const series = metrics.series('chat.completions')
  series.finish({ ...SUCCESS, status: 401, outcome: 'refused', error_code: 'invalid_api_key', usage_source: 'none' })
  series.finish({ ...SUCCESS, status: 502, outcome: 'upstream_error', error_code: 'upstream_reset' })
  series.finish({ ...SUCCESS, status: 499, outcome: 'cancelled', cancelled: true, usage_source: 'estimated' })
  const text = lines()
  assert.ok(text.includes('ferro_refused_total{code="invalid_api_key"} 1'))
  assert.ok(!text.some((line) => line.includes('upstream_reset')))
  assert.ok(text.includes('ferro_cancelled_total 1'))
  assert.ok(text.includes('ferro_usage_estimated_total 1'))
})

test('counts each dispatched attempt by how it ended, summed over the models of a provider', () => {
  const { metrics, lines } = setUp()
  const fast = metrics.series('chat.completions', 'fast', 'demo')
  const slow = metrics.series('chat.completions', 'slow', 'demo')
  const failed = { ...SUCCESS, status: 502, outcome: 'upstream_error' } as const
  const endings: readonly (readonly [result: string, record: CountedRecord])[] = [
    ['success', SUCCESS],
    ['error', { ...failed, error_code: 'upstream_closed' }],
    ['error', { ...failed, error_code: 'upstream_rejected' }],
    ['error', { ...failed, outcome: 'gateway_error', error_code: 'internal_error' }],
    ['connect_error', { ...failed, error_code: 'upstream_unreachable' }],
    ['connect_error', { ...failed, error_code: 'upstream_tls' }],
    ['timeout', { ...failed, outcome: 'timeout', error_code: 'upstream_timeout' }],
    ['cancelled', { ...failed, outcome: 'cancelled', error_code: 'client_closed', cancelled: true }],
    ['cancelled', { ...failed, outcome: 'drained', error_code: 'draining' }],
  ]
  const expected = new Map<string, number>()
  for (const [result, record] of endings) {
    fast.finish(record)
    slow.finish(record)
    slow.finish({ ...record, attempts: 0 })
    expected.set(result, (expected.get(result) ?? 0) + 2)
  }
  assert.deepEqual(
    lines().filter((line) => line.startsWith('ferro_upstream_attempts_total')),
    [...expected]
      .map(([result, count]) => `ferro_upstream_attempts_total{provider="demo",result="${result}"} ${count}`)
      .sort(),
  )
})

test('a request that was not dispatched makes no series of tokens, first byte or attempts', () => {
  const { metrics, lines } = setUp()
  const refused = { ...SUCCESS, status: 404, outcome: 'refused', attempts: 0 } as const
  metrics.series().finish({ ...refused, usage_source: 'none', first_byte_us: null })
  assert.ok(!lines().some((line) => /^ferro_(tokens_total|cost|first_byte|upstream_attempts)/.test(line)))
  assert.ok(lines().includes('ferro_requests_total{model="none",provider="none",route="none",status="404"} 1'))
})

test('an upstream that invents statuses does not invent series', () => {
  const { metrics, lines } = setUp()
  const series = metrics.series('chat.completions', 'fast', 'demo')
  for (let status = -1; status < 1_000; status++) series.finish({ ...SUCCESS, status })
  const found = lines().filter((line) => line.startsWith('ferro_requests_total{'))
  assert.ok(found.length < 50, String(found.length))
  assert.equal(
    found.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0),
    1_001,
  )
  assert.ok(found.some((line) => line.includes('status="4xx"')))
})
