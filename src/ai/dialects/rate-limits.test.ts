import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rateLimitHeaders, rateLimitsOf } from './rate-limits.ts'

const NOW = Date.parse('2026-01-02T03:04:05Z')
const OPENAI = {
  'retry-after-ms': '6500',
  'x-ratelimit-limit-requests': '60',
  'x-ratelimit-remaining-requests': '0',
  'x-ratelimit-reset-requests': '1m6.5s',
  'x-ratelimit-remaining-tokens': '149984',
  'x-ratelimit-reset-tokens': '20ms',
}
const ANTHROPIC = {
  'anthropic-ratelimit-requests-limit': '50',
  'anthropic-ratelimit-requests-remaining': '5',
  'anthropic-ratelimit-requests-reset': '2026-01-02T03:05:05Z',
  'anthropic-ratelimit-input-tokens-remaining': '7',
  'anthropic-ratelimit-output-tokens-remaining': '8',
}

const flat = (headers: Record<string, string>) => Object.entries(headers).flat()

test('clients of a vendor read its own limits as they are', () => {
  for (const dialect of ['openai-chat', 'openai-responses', 'openai-completions'] as const) {
    assert.deepEqual(rateLimitHeaders(dialect, OPENAI, NOW), flat(OPENAI))
  }
  assert.deepEqual(rateLimitHeaders('anthropic-messages', ANTHROPIC, NOW), flat(ANTHROPIC))
})

test('limits of OpenAI get the names of Anthropic, and times in place of lengths', () => {
  assert.deepEqual(
    rateLimitHeaders('anthropic-messages', OPENAI, NOW),
    flat({
      'retry-after-ms': '6500',
      'anthropic-ratelimit-requests-limit': '60',
      'anthropic-ratelimit-requests-remaining': '0',
      'anthropic-ratelimit-requests-reset': '2026-01-02T03:05:12Z',
      'anthropic-ratelimit-tokens-remaining': '149984',
      'anthropic-ratelimit-tokens-reset': '2026-01-02T03:04:06Z',
    }),
  )
})

test('limits of Anthropic get the names of OpenAI, and lengths in place of times', () => {
  assert.deepEqual(
    rateLimitHeaders('openai-chat', ANTHROPIC, NOW),
    flat({
      'x-ratelimit-limit-requests': '50',
      'x-ratelimit-remaining-requests': '5',
      'x-ratelimit-reset-requests': '60s',
      'x-ratelimit-remaining-tokens': '7',
    }),
  )
})

test('a time that cannot be read is left out, and clients of Google get the wait alone', () => {
  for (const reset of ['soon', '', '1x', '999999999d', '-5s', '1e9']) {
    const limits = { 'x-ratelimit-reset-requests': reset }
    assert.deepEqual(rateLimitHeaders('anthropic-messages', limits, NOW), [], reset)
  }
  assert.deepEqual(rateLimitHeaders('openai-chat', { 'anthropic-ratelimit-tokens-reset': 'soon' }, NOW), [])
  assert.deepEqual(rateLimitHeaders('gemini', OPENAI, NOW), ['retry-after-ms', '6500'])
})

test('what tells of limits is taken out of the headers, and nothing that shows a secret', () => {
  const headers = { 'content-type': 'text/plain', 'x-ratelimit-remaining-requests': '1', 'x-ratelimit-key': 'my sk-1' }
  assert.deepEqual(rateLimitsOf(headers, ['sk-1']), { 'x-ratelimit-remaining-requests': '1' })
  assert.equal(rateLimitsOf({ 'content-type': 'text/plain' }, []), null)
})
