import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tierIn, withTier } from './service-tier.ts'

const USAGE = { inputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 2, reasoningTokens: 0 }

test('only a tier with a price of its own is kept with the usage', () => {
  for (const tier of ['auto', 'default', 'standard', '', null, undefined, 3]) assert.equal(withTier(USAGE, tier), USAGE)
  for (const tier of ['flex', 'priority', 'batch']) assert.equal(withTier(USAGE, tier).serviceTier, tier)
})

test('a tier is found wherever vendors tell it', () => {
  const rows = [
    { service_tier: 'flex' },
    { usage: { service_tier: 'flex' } },
    { type: 'response.completed', response: { service_tier: 'flex' } },
    { type: 'message_start', message: { usage: { service_tier: 'flex' } } },
  ]
  for (const row of rows) assert.equal(tierIn(row), 'flex', JSON.stringify(row))
  assert.equal(tierIn({ usage: {}, message: 'none' }), undefined)
})
