import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withWays } from './service-tier.ts'

const USAGE = { inputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 2, reasoningTokens: 0 }

test('only a way of serving that may have a price of its own is kept with the usage', () => {
  for (const tier of ['auto', 'default', 'standard', 'on_demand', 'ON_DEMAND', '', null, undefined, 3])
    assert.equal(withWays(USAGE, { tier }), USAGE)
  for (const tier of ['flex', 'priority', 'batch', 'scale', 'never-heard-of'])
    assert.equal(withWays(USAGE, { tier }).serviceTier, tier)
  assert.equal(withWays(USAGE, { speed: 'standard', region: 'global' }), USAGE)
  assert.equal(withWays(USAGE, { region: 'not_available' }), USAGE)
  assert.deepEqual(withWays(USAGE, { speed: 'fast', region: 'us' }), { ...USAGE, speed: 'fast', region: 'us' })
})
