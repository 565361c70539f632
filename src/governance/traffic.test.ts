import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_TRAFFIC, TRAFFIC } from './testing/books.ts'
import { budgetNanos, type Traffic, totalTokens, trafficInAll } from './traffic.ts'

const RARE: Traffic = {
  ...TRAFFIC,
  cacheWrite1hTokens: 1,
  audioInputTokens: 2,
  audioOutputTokens: 4,
  imageInputTokens: 8,
  imageOutputTokens: 16,
  webSearches: 3,
}

test('what attempts used is added up in every class, and what no attempt told stays untold', () => {
  const inAll = trafficInAll(RARE, RARE)
  assert.ok(inAll !== null)
  assert.equal(totalTokens(inAll), 2 * totalTokens(RARE))
  assert.deepEqual([inAll.webSearches, inAll.costNanos, inAll.usageSource], [6, 2_468, 'reported'])
  const once = trafficInAll(RARE, NO_TRAFFIC)
  assert.ok(once !== null)
  assert.deepEqual([totalTokens(once), once.webSearches, once.usageSource], [totalTokens(RARE), 3, 'reported'])
  const plain = trafficInAll(TRAFFIC, TRAFFIC)
  assert.deepEqual([plain?.audioInputTokens, plain?.webSearches], [undefined, undefined])
})

test('an attempt that used nothing changes nothing, and one whose cost nobody knows leaves the sum unknown', () => {
  assert.equal(trafficInAll(NO_TRAFFIC, TRAFFIC), TRAFFIC)
  assert.equal(trafficInAll(null, TRAFFIC), TRAFFIC)
  assert.equal(trafficInAll(TRAFFIC, null), TRAFFIC)
  const unknown = { ...TRAFFIC, costNanos: null, priceRule: 'test+unpriced:web_search' }
  for (const [before, last] of [
    [unknown, TRAFFIC],
    [TRAFFIC, unknown],
  ] as const) {
    const inAll = trafficInAll(before, last)
    assert.deepEqual([inAll?.costNanos, inAll?.priceRule], [null, 'test+unpriced:web_search'])
  }
  assert.equal(trafficInAll(TRAFFIC, { ...NO_TRAFFIC, costNanos: null })?.costNanos, 1_234)
  assert.equal(trafficInAll({ ...TRAFFIC, costNanos: null }, { ...TRAFFIC, costNanos: null })?.costNanos, null)
  assert.equal(trafficInAll({ ...TRAFFIC, usageSource: 'estimated' }, TRAFFIC)?.usageSource, 'estimated')
})

test('a budget is charged what is known, and what was reserved where something has no price', () => {
  assert.equal(budgetNanos(TRAFFIC, 9_000), 1_234)
  const unknown = { ...TRAFFIC, costNanos: null, leastNanos: 500 }
  assert.equal(budgetNanos(unknown, 9_000), 9_000)
  assert.equal(budgetNanos(unknown, 100), 500)
  assert.equal(budgetNanos(unknown, null), 500)
  assert.equal(budgetNanos({ ...NO_TRAFFIC, costNanos: null }, 9_000), 0)
  assert.equal(budgetNanos(null, 9_000), 0)
})
