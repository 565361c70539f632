import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AnswerHeaders } from '../../core/index.ts'
import { LONGEST_RESET_MS, limitedForMs, spentForMs } from './limit-resets.ts'

const NOW = Date.parse('2026-11-21T12:00:00Z')

const ROWS: readonly (readonly [what: string, headers: AnswerHeaders, ms: number])[] = [
  [
    'a length of time',
    { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1m2.5s' },
    LONGEST_RESET_MS,
  ],
  ['milliseconds', { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '250ms' }, 250],
  ['bare seconds', { 'ratelimit-remaining': '0', 'ratelimit-reset': '7' }, 7_000],
  [
    'a date',
    {
      'anthropic-ratelimit-input-tokens-remaining': '0',
      'anthropic-ratelimit-input-tokens-reset': '2026-11-21T12:00:09Z',
    },
    9_000,
  ],
  ['a moment in seconds', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW / 1_000 + 12) }, 12_000],
  ['a moment in milliseconds', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW + 12_345) }, 12_345],
  [
    'the later of two that are used up',
    {
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '2s',
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '5s',
    },
    5_000,
  ],
]

for (const [what, headers, ms] of ROWS) {
  test(`a limit that is used up, with ${what}, is waited for`, () => {
    assert.equal(spentForMs(headers, NOW), ms)
    assert.equal(limitedForMs(headers, NOW), ms)
  })
}

test('of several limits only those count that are used up', () => {
  const headers = {
    'x-ratelimit-remaining-requests': '4999',
    'x-ratelimit-reset-requests': '50s',
    'x-ratelimit-remaining-tokens': '0',
    'x-ratelimit-reset-tokens': '3s',
  }
  assert.equal(spentForMs(headers, NOW), 3_000)
  assert.equal(limitedForMs(headers, NOW), 3_000)
})

test('a limit that is not used up is no reason to rest, unless the answer says that one was reached', () => {
  const headers = { 'x-ratelimit-remaining-tokens': '12', 'x-ratelimit-reset-tokens': '4s' }
  assert.equal(spentForMs(headers, NOW), 0)
  assert.equal(limitedForMs(headers, NOW), 4_000)
})

test('what is past, or is no time, or stands for no limit at all counts nothing', () => {
  const azure = {
    'x-ratelimit-limit-tokens': '-1',
    'x-ratelimit-remaining-tokens': '-1',
    'x-ratelimit-reset-tokens': '0',
  }
  const past = {
    'anthropic-ratelimit-requests-remaining': '0',
    'anthropic-ratelimit-requests-reset': '2026-11-21T11:59:00Z',
  }
  const words = { 'ratelimit-remaining': '0', 'ratelimit-reset': 'soon' }
  for (const headers of [azure, past, words, {}]) {
    assert.equal(spentForMs(headers, NOW), 0)
    assert.equal(limitedForMs(headers, NOW), 0)
  }
})
