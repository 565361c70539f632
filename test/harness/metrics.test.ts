import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findSamples, parseMetrics } from './metrics.ts'

test('parses samples with and without labels, escapes and infinities', () => {
  const text = '# HELP a b\n# TYPE a counter\na 1\nb{x="1",y="q\\"u\\\\o\\n,}"} 2.5\nc_bucket{le="+Inf"} +Inf\n'
  assert.deepEqual(parseMetrics(text), [
    { name: 'a', labels: {}, value: 1 },
    { name: 'b', labels: { x: '1', y: 'q"u\\o\n,}' }, value: 2.5 },
    { name: 'c_bucket', labels: { le: '+Inf' }, value: Number.POSITIVE_INFINITY },
  ])
  assert.deepEqual(findSamples(parseMetrics(text), 'b', { x: '2' }), [])
  assert.equal(findSamples(parseMetrics(text), 'b', { x: '1' })[0]?.value, 2.5)
})

test('throws for lines that are no samples', () => {
  for (const line of ['a', 'a{x=1} 1', 'a{x="1" 1', '1a 1']) assert.throws(() => parseMetrics(line), line)
})
