import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BackoffRules, backoffMs, retryAfterMs } from './backoff.ts'
import { seeded, tally } from './testing/pool.ts'

const RULES: BackoffRules = { baseMs: 100, maxMs: 2_000, maxRetryAfterMs: 30_000 }
const NOW = Date.UTC(2026, 10, 21, 12, 0, 0)

test('the upper end doubles with each retry up to the maximum', () => {
  const highest = (retry: number) => backoffMs(RULES, retry, { retryAfterMs: null, random: () => 0.999_999 })
  assert.deepEqual([0, 1, 2, 3, 4, 5, 40, 5_000].map(highest), [99, 199, 399, 799, 1599, 1999, 1999, 1999])
  assert.equal(backoffMs(RULES, 4, { retryAfterMs: null, random: () => 0 }), 0)
})

test('R4 a thousand waits spread over the whole range', () => {
  const random = seeded(7)
  const counts = tally(10, 1000, () => {
    return Math.floor((backoffMs(RULES, 3, { retryAfterMs: null, random }) ?? 0) / 80)
  })
  for (const count of counts) assert.ok(count > 60 && count < 140, counts.join(' '))
})

test('what the server asked for is waited in full, with the jitter on top', () => {
  assert.equal(backoffMs(RULES, 0, { retryAfterMs: 2_000, random: () => 0 }), 2_000)
  assert.equal(backoffMs(RULES, 0, { retryAfterMs: 2_000, random: () => 0.5 }), 2_050)
})

test('a server that asks for too long a wait is not asked again', () => {
  assert.equal(backoffMs(RULES, 0, { retryAfterMs: 30_001, random: () => 0 }), null)
  assert.equal(backoffMs(RULES, 0, { retryAfterMs: 30_000, random: () => 0 }), 30_000)
})

for (const [value, expected] of [
  ['2', 2_000],
  ['0', 0],
  [' 120 ', 120_000],
  ['Sat, 21 Nov 2026 12:00:02 GMT', 2_000],
  ['Saturday, 21-Nov-26 12:01:00 GMT', 60_000],
  ['Sat Nov 21 12:00:09 2026', 9_000],
  ['Sat, 21 Nov 2026 11:59:00 GMT', 0],
  ['-1', null],
  ['1.5', null],
  ['1e3', null],
  ['soon', null],
  ['', null],
  ['99999999999', null],
  [null, null],
] as const) {
  test(`Retry-After ${value} asks for ${expected} ms`, () => {
    assert.equal(retryAfterMs(value, NOW), expected)
  })
}
