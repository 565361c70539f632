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
  metrics.attempted(metrics.attempts('demo', 'success'))
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

test('shows the requests in flight as they were last told', () => {
  const { metrics, lines } = setUp()
  metrics.setInFlight(2)
  assert.ok(lines().includes('ferro_requests_in_flight 2'))
  metrics.setInFlight(1)
  assert.ok(lines().includes('ferro_requests_in_flight 1'))
})

test('counts refusals by code, cancels, estimates and overshoots', () => {
  const { metrics, lines } = setUp()
  const series = metrics.series('chat.completions')
  series.finish({ ...SUCCESS, status: 401, outcome: 'refused', error_code: 'invalid_api_key', usage_source: 'none' })
  series.finish({ ...SUCCESS, status: 502, outcome: 'upstream_error', error_code: 'upstream_reset' })
  series.finish({ ...SUCCESS, status: 499, outcome: 'cancelled', cancelled: true, usage_source: 'estimated' })
  metrics.overshot()
  const text = lines()
  assert.ok(text.includes('ferro_refused_total{code="invalid_api_key"} 1'))
  assert.ok(!text.some((line) => line.includes('upstream_reset')))
  assert.ok(text.includes('ferro_cancelled_total 1'))
  assert.ok(text.includes('ferro_usage_estimated_total 1'))
  assert.ok(text.includes('ferro_budget_overshoot_total 1'))
})

test('a request that was not dispatched makes no series of tokens or first byte', () => {
  const { metrics, lines } = setUp()
  metrics.series().finish({ ...SUCCESS, status: 404, outcome: 'refused', usage_source: 'none', first_byte_us: null })
  assert.ok(!lines().some((line) => /^ferro_(tokens_total|cost|first_byte)/.test(line)))
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
