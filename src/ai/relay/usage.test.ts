import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readUsage } from './usage.ts'

const usageOf = (usage: unknown) => readUsage({ usage })

test('splits what vendors report into counters that do not overlap', () => {
  const rows: readonly (readonly [report: object, input: number, cached: number, output: number, reasoning: number])[] =
    [
      [{ prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }, 10, 0, 5, 0],
      [{ prompt_tokens: 0, completion_tokens: 0 }, 0, 0, 0, 0],
      [{ prompt_tokens: 10 }, 10, 0, 0, 0],
      [{ prompt_tokens: 10, completion_tokens: null }, 10, 0, 0, 0],
      [{ prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 4 } }, 6, 4, 5, 0],
      [{ prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 99 } }, 0, 10, 5, 0],
      [{ prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: -1 } }, 10, 0, 5, 0],
      [{ prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: '4' } }, 10, 0, 5, 0],
      [{ prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: null }, 10, 0, 5, 0],
      [{ prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: [] }, 10, 0, 5, 0],
      [{ prompt_tokens: 10, completion_tokens: 5, completion_tokens_details: { reasoning_tokens: 3 } }, 10, 0, 2, 3],
      [{ prompt_tokens: 10, completion_tokens: 5, completion_tokens_details: { reasoning_tokens: 8 } }, 10, 0, 0, 5],
      [{ prompt_tokens: 1e9, completion_tokens: 1e9 }, 1e9, 0, 1e9, 0],
    ]
  for (const [report, inputTokens, cacheReadTokens, outputTokens, reasoningTokens] of rows) {
    const expected = { inputTokens, cacheReadTokens, cacheWriteTokens: 0, outputTokens, reasoningTokens }
    assert.deepEqual(usageOf(report), expected, JSON.stringify(report))
  }
})

test('believes no report that cannot be true', () => {
  const unbelievable = [
    null,
    [],
    'x',
    1,
    {},
    { completion_tokens: 5 },
    { prompt_tokens: null, completion_tokens: 5 },
    { prompt_tokens: '10', completion_tokens: 5 },
    { prompt_tokens: 10, completion_tokens: '5' },
    { prompt_tokens: -1, completion_tokens: 5 },
    { prompt_tokens: 10, completion_tokens: -5 },
    { prompt_tokens: true, completion_tokens: 5 },
  ]
  for (const report of unbelievable) assert.equal(usageOf(report), null, JSON.stringify(report))
})

test('any believable report keeps its sums: the parts are whole, not negative, and add up', () => {
  const count = fc.integer({ min: 0, max: 1_000_000_000 })
  fc.assert(
    fc.property(count, count, fc.jsonValue(), fc.jsonValue(), (prompt, completion, cached, reasoning) => {
      const usage = usageOf({
        prompt_tokens: prompt,
        completion_tokens: completion,
        prompt_tokens_details: { cached_tokens: cached },
        completion_tokens_details: { reasoning_tokens: reasoning },
      })
      assert.ok(usage !== null)
      for (const part of Object.values(usage)) assert.ok(Number.isSafeInteger(part) && part >= 0)
      assert.equal(usage.inputTokens + usage.cacheReadTokens, prompt)
      assert.equal(usage.outputTokens + usage.reasoningTokens, completion)
    }),
  )
})
