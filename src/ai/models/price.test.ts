import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { costOf, type Prices, type Usage, worstCost } from './price.ts'

const FREE: Prices = { rule: 'test', input: 0, output: 0, cacheRead: 0, cacheWrite: 0, request: 0 }
const NOTHING: Usage = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 }
const LARGEST = BigInt(Number.MAX_SAFE_INTEGER)

/** Half up, in integers of any size. */
function exactLine(tokens: number, rate: number): bigint {
  return (BigInt(tokens) * BigInt(rate) + 500_000n) / 1_000_000n
}

const capped = (amount: bigint) => Number(amount > LARGEST ? LARGEST : amount)

test('B23 charges each kind of token at its own rate, and reasoning as output', () => {
  const prices = { ...FREE, input: 2_000_000, output: 8_000_000, cacheRead: 500_000, cacheWrite: 2_500_000, request: 7 }
  const usage = { inputTokens: 10, cacheReadTokens: 4, cacheWriteTokens: 2, outputTokens: 3, reasoningTokens: 5 }
  assert.equal(costOf(prices, usage), 20 + 2 + 5 + 64 + 7)
  assert.equal(costOf(prices, NOTHING), 7)
  assert.equal(costOf(FREE, usage), 0)
})

test('rounds each line once, half up', () => {
  const rows = [
    [1, 499_999, 0],
    [1, 500_000, 1],
    [1, 1_499_999, 1],
    [1, 1_500_000, 2],
    [3, 500_000, 2],
  ] as const
  for (const [tokens, input, nanos] of rows)
    assert.equal(costOf({ ...FREE, input }, { ...NOTHING, inputTokens: tokens }), nanos)
  // Two lines of a half each are two whole ones.
  const halves = { ...NOTHING, inputTokens: 1, cacheReadTokens: 1 }
  assert.equal(costOf({ ...FREE, input: 500_000, cacheRead: 500_000 }, halves), 2)
})

const tokens = fc.oneof(
  fc.integer({ min: 0, max: 1_000_000_000 }),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
)
const rate = fc.oneof(
  fc.integer({ min: 0, max: 100_000_000_000 }),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
)

test('is exact to the last nano-dollar for any count and rate', () => {
  fc.assert(
    fc.property(tokens, rate, (count, input) => {
      assert.equal(costOf({ ...FREE, input }, { ...NOTHING, inputTokens: count }), capped(exactLine(count, input)))
    }),
    { numRuns: 5_000 },
  )
  // Where floating point would round a quotient just below a whole number up to it.
  const near = fc
    .integer({ min: 0, max: 9_007_199_254 })
    .chain((whole) => fc.integer({ min: -2, max: 2 }).map((off) => Math.max(0, whole * 1_000_000 + 500_000 + off)))
  fc.assert(
    fc.property(near, (product) => {
      assert.equal(costOf({ ...FREE, input: product }, { ...NOTHING, inputTokens: 1 }), capped(exactLine(1, product)))
    }),
    { numRuns: 5_000 },
  )
})

test('a cost is a number that counts exactly, however large its parts', () => {
  const prices = fc.record({ input: rate, output: rate, cacheRead: rate, cacheWrite: rate, request: rate })
  fc.assert(
    fc.property(prices, tokens, tokens, (rates, input, output) => {
      const whole = { rule: 'test', ...rates }
      const used = {
        ...NOTHING,
        inputTokens: input,
        cacheReadTokens: input,
        cacheWriteTokens: input,
        outputTokens: output,
      }
      for (const cost of [costOf(whole, used), worstCost(whole, input, output)]) {
        assert.ok(Number.isSafeInteger(cost) && cost >= 0, String(cost))
      }
    }),
  )
})

test('no request costs more than what was reserved for its tokens', () => {
  const modest = fc.integer({ min: 0, max: 1_000_000 })
  const price = fc.integer({ min: 0, max: 1_000_000_000_000 })
  fc.assert(
    fc.property(
      price,
      price,
      price,
      price,
      modest,
      modest,
      modest,
      modest,
      (input, output, cacheRead, cacheWrite, a, b, c, d) => {
        const prices = { rule: 'test', input, output, cacheRead, cacheWrite, request: 5 }
        const used = { inputTokens: a, cacheReadTokens: b, cacheWriteTokens: 0, outputTokens: c, reasoningTokens: d }
        // Two input lines may each be rounded up by a half.
        assert.ok(costOf(prices, used) <= worstCost(prices, a + b, c + d) + 1)
      },
    ),
  )
})
