import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chargeAt, chargeBy } from './charge.ts'
import { configuredPrices } from './configured-prices.ts'
import type { Prices, Usage } from './price.ts'

const NOTHING: Usage = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 }
/** A dollar for a million of either. */
const PLAIN: Prices = {
  rule: 'test',
  input: 1_000_000_000,
  output: 1_000_000_000,
  cacheRead: 1_000_000_000,
  cacheWrite: 1_000_000_000,
  request: 0,
}
const USED: Usage = { ...NOTHING, inputTokens: 1_000, outputTokens: 1_000 }

test('B23 a counter without a rate never costs nothing in silence: the cost is unknown, and the rule says why', () => {
  const counters = {
    cacheWrite1hTokens: 'cache_write_1h',
    audioInputTokens: 'audio_input',
    audioOutputTokens: 'audio_output',
    imageOutputTokens: 'image_output',
    webSearches: 'web_search',
  }
  for (const [name, word] of Object.entries(counters)) {
    const charge = chargeBy(PLAIN, { ...USED, [name]: 1 }, 0)
    assert.deepEqual([charge.nanos, charge.rule], [null, `test+unpriced:${word}`])
    assert.ok(charge.leastNanos >= 2_000_000)
    assert.equal(chargeBy(PLAIN, { ...USED, [name]: 0 }, 0).nanos, 2_000_000)
  }
  const both = chargeBy(PLAIN, { ...USED, webSearches: 1, audioInputTokens: 1, serviceTier: 'flex' }, 0)
  assert.equal(both.rule, 'test+unpriced:audio_input,web_search,service_tier=flex')
  const units = chargeBy(PLAIN, { ...NOTHING, unit: 'images', units: 2 }, 0)
  assert.deepEqual([units.nanos, units.rule], [null, 'test+unpriced:images'])
  const soundOnly = { ...PLAIN, input: 0, output: 0, unknown: new Set(['input', 'output'] as const) }
  assert.equal(chargeBy(soundOnly, USED, 0).rule, 'test+unpriced:input,output')
})

test('pictures that are read, thoughts, and a cache of minutes cost as the plain kind', () => {
  const usage = {
    ...USED,
    imageInputTokens: 1_000,
    reasoningTokens: 1_000,
    cacheReadTokens: 1_000,
    cacheWriteTokens: 1_000,
  }
  assert.equal(chargeBy(PLAIN, usage, 0).nanos, 6_000_000)
})

test('what an upstream says of itself stands in a rule as a word, however it was written', () => {
  const { rule } = chargeBy(PLAIN, { ...USED, serviceTier: 'a b,c\n"d"'.repeat(9) }, 0)
  assert.match(rule, /^test\+unpriced:service_tier=[\w.-]{1,32}$/)
})

test('prices of the configuration stand in for kinds, but not for searches, units, tiers, speeds and regions', () => {
  const rates = { input: 1_000_000_000, output: 2_000_000_000, request: 0 }
  const prices = configuredPrices('config:x', {
    ...rates,
    rules: [
      { name: 'flex', service_tier: 'flex', ...rates, input: 500_000_000 },
      { name: 'fast', speed: 'fast', ...rates, input: 6_000_000_000 },
    ],
  })
  assert.equal(chargeBy(prices, { ...USED, audioOutputTokens: 1_000, cacheWrite1hTokens: 1_000 }, 0).nanos, 6_000_000)
  assert.equal(chargeBy(prices, { ...USED, serviceTier: 'flex' }, 0).rule, 'config:x#flex')
  assert.equal(chargeBy(prices, { ...USED, speed: 'fast' }, 0).nanos, 8_000_000)
  assert.equal(
    chargeBy(prices, { ...USED, serviceTier: 'priority' }, 0).rule,
    'config:x+unpriced:service_tier=priority',
  )
  assert.equal(chargeBy(prices, { ...USED, region: 'us' }, 0).rule, 'config:x+unpriced:region=us')
  assert.equal(chargeBy(prices, { ...USED, webSearches: 1 }, 0).nanos, null)
})

test('where the operator said what the unpriced costs, an answer that is not wholly priced costs that', () => {
  const rates = { input: 3_000_000_000, output: 3_000_000_000, request: 0, web_search: 5_000_000 }
  const otherwise: Prices = { ...configuredPrices('config:catalogue.prices', rates), anyWay: true }
  const prices = { ...PLAIN, otherwise }
  assert.deepEqual(chargeBy(prices, USED, 0), { nanos: 2_000_000, rule: 'test', leastNanos: 2_000_000 })
  for (const [usage, nanos] of [
    [{ ...USED, serviceTier: 'odd' }, 6_000_000],
    [{ ...USED, webSearches: 1 }, 11_000_000],
  ] as const) {
    const charge = chargeBy(prices, usage, 0)
    assert.deepEqual([charge.nanos, charge.rule], [nanos, 'config:catalogue.prices'])
  }
  // What has no rate there either stays unknown, by the model's own rule.
  assert.equal(chargeBy(prices, { ...USED, unit: 'images', units: 1 }, 0).rule, 'test+unpriced:images')
})

test('of two measures of one thing, the one that is sold is charged', () => {
  const spoken: Usage = {
    ...NOTHING,
    inputTokens: 10,
    audioOutputTokens: 100,
    units: 1_000,
    unit: 'characters',
    eitherMeasure: true,
  }
  const byCharacter = { ...PLAIN, input: 0, output: 0, units: { characters: 15_000_000_000 } }
  assert.equal(chargeBy(byCharacter, spoken, 0).nanos, 15_000_000)
  assert.equal(chargeBy({ ...PLAIN, audioOutput: 2_000_000_000 }, spoken, 0).nanos, 210_000)
  assert.equal(chargeBy({ ...PLAIN, input: 0, output: 0 }, spoken, 0).rule, 'test+unpriced:audio_output')
  const neither = { ...PLAIN, input: 0, output: 0, unknown: new Set(['input', 'output'] as const) }
  assert.equal(chargeBy(neither, spoken, 0).rule, 'test+unpriced:characters')
})

test('what an upstream says that it costs is believed of those whose vendor documents it, and of a report alone', () => {
  const told = { ...USED, costNanos: 7 }
  const payee = { provider: 'router', prices: PLAIN, tellsCost: true }
  assert.deepEqual(chargeAt(payee, told, true, 0), { nanos: 7, rule: 'reported:router', leastNanos: 7 })
  assert.equal(chargeAt(payee, { ...told, costNanos: 0 }, true, 0)?.nanos, 0)
  assert.equal(chargeAt(payee, told, false, 0)?.nanos, 2_000_000)
  assert.equal(chargeAt({ ...payee, tellsCost: false }, { ...told, costNanos: 0 }, true, 0)?.nanos, 2_000_000)
  assert.equal(chargeAt({ ...payee, tellsCost: false, prices: null }, told, true, 0), null)
})
