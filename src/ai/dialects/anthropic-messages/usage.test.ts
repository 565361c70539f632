import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { TokenUsage } from '../../ir/answer.ts'
import { decodeUsage, encodeUsage, mergedUsage } from './usage.ts'

const count = fc.nat(1_000_000)

function total(usage: TokenUsage): number {
  const { input, cacheRead = 0, cacheWrite = 0, cacheWrite1h = 0, output, reasoning = 0 } = usage
  const counters = [input, cacheRead, cacheWrite, cacheWrite1h, output, reasoning]
  assert.ok(counters.every((counter) => counter >= 0))
  return counters.reduce((sum, counter) => sum + counter, 0)
}

test('the counters share nothing: their sum is what the vendor counts, and none is below zero', () => {
  const usage = fc.record({
    input_tokens: count,
    cache_creation_input_tokens: count,
    cache_read_input_tokens: count,
    cache_creation: fc.record({ ephemeral_5m_input_tokens: count, ephemeral_1h_input_tokens: count }),
    output_tokens: count,
    output_tokens_details: fc.record({ thinking_tokens: count }),
  })
  fc.assert(
    fc.property(usage, (raw) => {
      const vendor =
        raw.input_tokens + raw.cache_creation_input_tokens + raw.cache_read_input_tokens + raw.output_tokens
      assert.equal(total(decodeUsage(raw)), vendor)
    }),
  )
})

test('usage, encoded and read again, is the same', () => {
  const positive = fc.integer({ min: 1, max: 1_000_000 })
  const optional = fc.option(positive, { nil: undefined })
  const usage = fc.record({
    input: count,
    cacheRead: optional,
    cacheWrite: optional,
    cacheWrite1h: optional,
    output: count,
    reasoning: optional,
  })
  fc.assert(
    fc.property(usage, (given) => {
      const again = decodeUsage(encodeUsage(given, undefined))
      assert.equal(total(again), total(given))
      assert.deepEqual({ ...again, cacheWrite: again.cacheWrite ?? 0 }, { ...given, cacheWrite: given.cacheWrite ?? 0 })
    }),
  )
})

test('odd numbers count as none', () => {
  const raw = { input_tokens: -5, output_tokens: 'many', cache_read_input_tokens: null, cache_creation: 3 }
  assert.equal(total(decodeUsage(raw)), 0)
})

test('a later report of a stream replaces what it names, and keeps what it leaves out', () => {
  const start = { input_tokens: 10, cache_read_input_tokens: 5, output_tokens: 1 }
  const merged = mergedUsage(start, { input_tokens: null, output_tokens: 30, cache_read_input_tokens: 7 })
  assert.deepEqual(decodeUsage(merged), { ...decodeUsage({}), input: 10, cacheRead: 7, output: 30 })
})

test('tokens that a compaction on the way used are counted, and those of further turns are not counted twice', () => {
  const iterations = [
    { type: 'compaction', input_tokens: 180_000, output_tokens: 3500 },
    { type: 'message', input_tokens: 23_000, output_tokens: 1000 },
  ]
  const usage = decodeUsage({ input_tokens: 23_000, output_tokens: 1000, iterations })
  assert.equal(usage.input, 203_000)
  assert.equal(usage.output, 4500)
})

test('searches are told apart, and sound stands with the text', () => {
  assert.equal(decodeUsage({ server_tool_use: { web_search_requests: 2 } }).webSearches, 2)
  assert.equal(encodeUsage({ input: 1, audioInput: 2, imageInput: 3, output: 0 }, undefined)['input_tokens'], 6)
})
