import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { MetricsCollector } from './collector.ts'
import { MetricsRegistry } from './registry.ts'
import { createMetricsRow, type SeriesDescriptor } from './row.ts'

interface ParsedSample {
  readonly name: string
  readonly labels: Record<string, string>
  readonly value: number
}

/** Reads the text format by its specification, and refuses what does not follow it. */
function parse(text: string): { samples: ParsedSample[]; types: Map<string, string> } {
  const samples: ParsedSample[] = []
  const types = new Map<string, string>()
  let current = ''
  assert.ok(text.endsWith('\n'))
  for (const line of text.slice(0, -1).split('\n')) {
    const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line)
    if (type !== null) {
      assert.ok(!types.has(type[1] ?? ''), `${type[1]} has one block`)
      current = type[1] ?? ''
      types.set(current, type[2] ?? '')
      continue
    }
    if (/^# HELP \S+ /.test(line)) continue
    const match = /^([a-zA-Z_][a-zA-Z0-9_]*)(?:\{(.*)\})? (\S+)$/s.exec(line)
    assert.ok(match !== null, `a sample line: ${line}`)
    const name = match[1] ?? ''
    assert.ok(name === current || /^_(bucket|sum|count)$/.test(name.slice(current.length)), `${name} in its block`)
    const labels: Record<string, string> = {}
    let rest = match[2] ?? ''
    while (rest !== '') {
      const pair = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)",?/.exec(rest)
      assert.ok(pair !== null, `a label: ${rest}`)
      labels[pair[1] ?? ''] = (pair[2] ?? '').replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c))
      rest = rest.slice(pair[0].length)
    }
    const word = match[3] === '+Inf' ? 'Infinity' : match[3] === '-Inf' ? '-Infinity' : match[3]
    samples.push({ name, labels, value: Number(word) })
  }
  return { samples, types }
}

function attached(collector: MetricsCollector, worker: number, cells?: number): MetricsRegistry {
  const row = createMetricsRow(cells)
  collector.attach(worker, row)
  return new MetricsRegistry({ row, onSeries: (series) => collector.describe(worker, structuredClone(series)) })
}

function sampleOf(collector: MetricsCollector, name: string, labels: Record<string, string> = {}): number | undefined {
  return parse(collector.render()).samples.find(
    (s) => s.name === name && JSON.stringify(s.labels) === JSON.stringify(labels),
  )?.value
}

const REQUESTS = { name: 'requests_total', help: 'Requests.' }
const OPEN = { name: 'open', help: 'Open now.' }
const SECONDS = { name: 'seconds', help: 'Time.' }

test('sums a counter over all workers', () => {
  const collector = new MetricsCollector()
  const one = attached(collector, 1)
  const two = attached(collector, 2)
  one.add(one.counter(REQUESTS, { route: 'a' }), 3)
  two.add(two.counter(REQUESTS, { route: 'b' }), 5)
  two.add(two.counter(REQUESTS, { route: 'a' }), 4)
  assert.equal(sampleOf(collector, 'requests_total', { route: 'a' }), 7)
  assert.equal(sampleOf(collector, 'requests_total', { route: 'b' }), 5)
})

test('gives the same slot for the same name and labels in any order', () => {
  const announced: SeriesDescriptor[] = []
  const registry = new MetricsRegistry({ row: createMetricsRow(), onSeries: (s) => announced.push(s) })
  const slot = registry.counter(REQUESTS, { a: '1', b: '2' })
  assert.equal(registry.counter(REQUESTS, { b: '2', a: '1' }), slot)
  assert.notEqual(registry.counter(REQUESTS, { b: '1', a: '2' }), slot)
  assert.equal(announced.length, 2)
})

test('keeps the counts of a worker that is gone, and drops its gauges', () => {
  const collector = new MetricsCollector()
  const one = attached(collector, 1)
  one.add(one.counter(REQUESTS), 3)
  one.add(one.gauge(OPEN), 2)
  one.observe(one.histogram(SECONDS, {}, [1]), 0.5)
  assert.equal(sampleOf(collector, 'open'), 2)
  collector.detach(1)
  assert.equal(sampleOf(collector, 'requests_total'), 3)
  assert.equal(sampleOf(collector, 'seconds_count'), 1)
  assert.equal(sampleOf(collector, 'open'), undefined)

  const successor = attached(collector, 1)
  successor.add(successor.counter(REQUESTS), 1)
  assert.equal(sampleOf(collector, 'requests_total'), 4)
})

test('a worker attached twice under one number is counted once', () => {
  const collector = new MetricsCollector()
  const first = attached(collector, 1)
  first.add(first.counter(REQUESTS), 3)
  const second = attached(collector, 1)
  second.add(second.counter(REQUESTS), 2)
  assert.equal(sampleOf(collector, 'requests_total'), 5)
})

test('renders histograms with cumulative buckets, sum and count', () => {
  const collector = new MetricsCollector()
  const registry = attached(collector, 1)
  const slot = registry.histogram(SECONDS, { route: 'a' }, [0.1, 1])
  for (const value of [0.05, 0.1, 0.5, 7]) registry.observe(slot, value)
  assert.equal(sampleOf(collector, 'seconds_bucket', { route: 'a', le: '0.1' }), 2)
  assert.equal(sampleOf(collector, 'seconds_bucket', { route: 'a', le: '1' }), 3)
  assert.equal(sampleOf(collector, 'seconds_bucket', { route: 'a', le: '+Inf' }), 4)
  assert.equal(sampleOf(collector, 'seconds_count', { route: 'a' }), 4)
  assert.equal(sampleOf(collector, 'seconds_sum', { route: 'a' }), 7.65)
})

test('a full row sends new series to the overflow series and says how many', () => {
  const collector = new MetricsCollector()
  const registry = attached(collector, 1, 5)
  registry.add(registry.counter(REQUESTS, { n: '1' }), 1)
  registry.add(registry.counter(REQUESTS, { n: '2' }), 1)
  const lost = registry.counter(REQUESTS, { n: '3' })
  registry.add(lost, 10)
  registry.observe(registry.histogram(SECONDS, {}, [1, 2]), 1.5)
  assert.equal(sampleOf(collector, 'requests_total', { n: '1' }), 1)
  assert.equal(sampleOf(collector, 'requests_total', { n: '2' }), 1)
  assert.equal(sampleOf(collector, 'requests_total', { n: '3' }), undefined)
  assert.equal(sampleOf(collector, 'ferro_metrics_dropped_series_total'), 2)
  assert.equal(sampleOf(collector, 'ferro_metrics_overflow_total'), 11)
})

test('bounds the series of one metric and the length of a label', () => {
  const announced: SeriesDescriptor[] = []
  const registry = new MetricsRegistry({
    row: createMetricsRow(),
    onSeries: (s) => announced.push(s),
    maxSeriesPerMetric: 10,
  })
  for (let i = 0; i < 1_000; i++) registry.add(registry.counter(REQUESTS, { n: `${i}${'x'.repeat(1_000)}` }), 1)
  registry.counter(OPEN)
  assert.equal(announced.length, 11)
  assert.ok(announced.every((s) => (s.labels['n'] ?? '').length <= 128))
})

test('refuses a malformed name and a name of a second type', () => {
  const registry = new MetricsRegistry({ row: createMetricsRow(), onSeries: () => undefined })
  registry.counter(REQUESTS)
  assert.throws(() => registry.gauge(REQUESTS), /requests_total is a counter already/)
  assert.throws(() => registry.counter({ name: 'a b', help: '' }), /"a b" is not a valid name/)
  assert.throws(() => registry.counter(OPEN, { 'x-y': '1' }), /"x-y" is not a valid name/)
  assert.throws(() => registry.histogram(SECONDS, {}, [2, 1]), /must ascend/)
})

test('any label value and help text survives the text format', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'binary', maxLength: 40 }), { maxLength: 5 }),
      fc.string(),
      (values, help) => {
        const collector = new MetricsCollector()
        const registry = attached(collector, 1)
        const expected = new Set<string>()
        for (const value of values) {
          registry.add(registry.counter({ name: 'x_total', help: `a\n\\${help}` }, { value }), 1)
          expected.add(value.toWellFormed())
        }
        const { samples, types } = parse(collector.render())
        const found = samples.filter((s) => s.name === 'x_total').map((s) => s.labels['value'] ?? '')
        assert.deepEqual(new Set(found), expected)
        assert.equal(found.length, expected.size)
        assert.equal(types.has('x_total'), expected.size > 0)
      },
    ),
  )
})

test('reads the control thread’s own values when it renders', () => {
  const collector = new MetricsCollector()
  let keys = 1
  collector.gauge({ name: 'keys', help: 'Keys.' }, () => keys)
  collector.counter({ name: 'reloads_total', help: 'Reloads.' }, () => [
    { labels: { result: 'ok' }, value: 2 },
    { labels: { result: 'error' }, value: 1 },
  ])
  keys = 3
  assert.equal(sampleOf(collector, 'keys'), 3)
  assert.equal(sampleOf(collector, 'reloads_total', { result: 'ok' }), 2)
  assert.equal(parse(collector.render()).types.get('reloads_total'), 'counter')
})

test('samples of a source beyond its bound are counted as dropped, once', () => {
  const collector = new MetricsCollector()
  const samples = Array.from({ length: 10_050 }, (_, n) => ({ labels: { n: String(n) }, value: 1 }))
  collector.gauge({ name: 'many', help: 'Many.' }, () => samples)
  for (let rendering = 0; rendering < 2; rendering++)
    assert.equal(sampleOf(collector, 'ferro_metrics_dropped_series_total'), 50)
})

test('renders in the same order whatever the order of announcement', () => {
  const texts = [
    ['b', 'a', 'c'],
    ['c', 'b', 'a'],
  ].map((order) => {
    const collector = new MetricsCollector()
    const registry = attached(collector, 1)
    for (const label of order) {
      registry.add(registry.counter({ name: `${label}_total`, help: 'x' }), 1)
      registry.add(registry.counter(REQUESTS, { label }), 1)
    }
    return collector.render()
  })
  assert.equal(texts[0], texts[1])
})

test('sees what another thread counts', async () => {
  const collector = new MetricsCollector()
  const row = createMetricsRow()
  collector.attach(7, row)
  const source = `
    const { parentPort, workerData } = require('node:worker_threads')
    import(workerData.module).then(({ MetricsRegistry }) => {
      const registry = new MetricsRegistry({ row: workerData.row, onSeries: (s) => parentPort.postMessage(s) })
      const slot = registry.counter({ name: 'requests_total', help: 'Requests.' }, { route: 'a' })
      for (let i = 0; i < 100000; i++) registry.add(slot, 1)
    })`
  const worker = new Worker(source, {
    eval: true,
    workerData: { row, module: new URL('./registry.ts', import.meta.url).href },
  })
  worker.on('message', (series: SeriesDescriptor) => collector.describe(7, series))
  await new Promise((resolve, reject) => worker.on('exit', resolve).on('error', reject))
  assert.equal(sampleOf(collector, 'requests_total', { route: 'a' }), 100_000)
})

const promtool = spawnSync('promtool', ['--version']).error === undefined
test('promtool accepts the text', { skip: promtool ? false : 'promtool is not installed' }, () => {
  const collector = new MetricsCollector()
  const registry = attached(collector, 1)
  registry.add(registry.counter(REQUESTS, { route: 'a"\\\n' }), 1)
  registry.observe(registry.histogram({ name: 'latency_seconds', help: 'Latency.' }, {}, [1]), 0.5)
  const check = spawnSync('promtool', ['check', 'metrics'], { input: collector.render(), encoding: 'utf8' })
  assert.equal(check.status, 0, check.stderr)
})
