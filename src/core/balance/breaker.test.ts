import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Breaker, type BreakerRules, FORCED, ORDINARY, REFUSED } from './breaker.ts'
import { cellsFor, seat } from './testing/pool.ts'

const RULES: BreakerRules = {
  consecutiveFailures: null,
  failures: 5,
  failureShare: null,
  windowMs: 10_000,
  openMs: 30_000,
  jitterShare: 0,
  probes: 1,
  probeSuccesses: 1,
  probeLeaseMs: 5_000,
}
const NOW = 1_000_000

/** The same breaker as two threads see it. */
function breakers(rules: Partial<BreakerRules> = {}, random = () => 0) {
  const cells = cellsFor()
  const made = (number: number) => new Breaker({ cells, index: 3, seat: seat(number), random }, { ...RULES, ...rules })
  return { one: made(0), other: made(1) }
}

function fail(breaker: Breaker, nowMs: number, times: number): boolean {
  let opened = false
  for (let n = 0; n < times; n++) opened = breaker.record(breaker.admit(nowMs), 'failure', nowMs)
  return opened
}

test('so many failures within the window open it for every thread; one less does not', () => {
  const { one, other } = breakers()
  assert.equal(fail(one, NOW, 2), false)
  assert.equal(fail(other, NOW + 5_000, 2), false)
  assert.equal(one.state(NOW + 5_000), 'closed')
  assert.equal(fail(other, NOW + 6_000, 1), true)
  assert.equal(one.state(NOW + 6_000), 'open')
  assert.equal(one.admit(NOW + 6_000), REFUSED)
  assert.equal(other.admit(NOW + 35_999), REFUSED)
  assert.equal(one.waitMs(NOW + 16_000), 20_000)
  assert.equal(one.openings, 1)
})

test('failures that the window has forgotten do not count, nor do neutral outcomes', () => {
  const { one } = breakers()
  fail(one, NOW, 4)
  for (let n = 0; n < 9; n++) one.record(one.admit(NOW), 'neutral', NOW)
  assert.equal(one.state(NOW), 'closed')
  assert.equal(fail(one, NOW + 10_000, 4), false)
})

test('a share of failures opens it only at the minimum volume', () => {
  const { one } = breakers({ failures: null, failureShare: { share: 0.5, minimumVolume: 10 } })
  assert.equal(fail(one, NOW, 9), false)
  assert.equal(fail(one, NOW, 1), true)
  const { one: half } = breakers({ failures: null, failureShare: { share: 0.5, minimumVolume: 10 } })
  for (let n = 0; n < 11; n++) half.record(half.admit(NOW), 'success', NOW)
  assert.equal(fail(half, NOW, 10), false)
  assert.equal(fail(half, NOW, 1), true)
})

test('failures in a row open it over all threads, and a success between them starts the count anew', () => {
  const { one, other } = breakers({ failures: null, consecutiveFailures: 3 })
  fail(one, NOW, 2)
  other.record(other.admit(NOW), 'success', NOW)
  assert.equal(fail(one, NOW, 2), false)
  assert.equal(fail(other, NOW, 1), true)
})

test('failures in a row are counted anew after it closed', () => {
  const { one } = breakers({ failures: null, consecutiveFailures: 3 })
  fail(one, NOW, 3)
  one.record(one.admit(NOW + 30_000), 'success', NOW + 30_000)
  assert.equal(fail(one, NOW + 30_001, 2), false)
  assert.equal(fail(one, NOW + 30_001, 1), true)
})

test('the time that it stays open is lengthened at random by its share', () => {
  const { one } = breakers({ jitterShare: 0.2 }, () => 0.5)
  fail(one, NOW, 5)
  assert.equal(one.waitMs(NOW), 33_000)
})

test('R6 after its time one probe is admitted over all threads, and its success closes it', () => {
  const { one, other } = breakers()
  fail(one, NOW, 5)
  const later = NOW + 30_000
  assert.equal(one.state(later), 'half_open')
  assert.equal(other.waitMs(later), 0)
  const probe = other.admit(later)
  assert.ok(probe > ORDINARY)
  assert.equal(one.admit(later), REFUSED)
  assert.equal(other.admit(later), REFUSED)
  assert.equal(one.waitMs(later), 5_000)
  other.record(probe, 'success', later + 100)
  assert.equal(one.state(later + 100), 'closed')
  assert.equal(one.admit(later + 100), ORDINARY)
})

test('a probe that fails opens it for a full time again', () => {
  const { one, other } = breakers()
  fail(one, NOW, 5)
  const later = NOW + 31_000
  assert.equal(one.record(one.admit(later), 'failure', later + 1_000), true)
  assert.equal(other.admit(later + 30_999), REFUSED)
  assert.ok(other.admit(later + 31_000) > ORDINARY)
  assert.equal(one.openings, 2)
})

test('a probe with nothing to report makes room for the next at once', () => {
  const { one, other } = breakers()
  fail(one, NOW, 5)
  const later = NOW + 30_000
  one.record(one.admit(later), 'neutral', later)
  assert.equal(one.state(later), 'half_open')
  assert.ok(other.admit(later) > ORDINARY)
})

test('a probe whose thread died holds its place until its lease ends, no longer; its late word has no effect', () => {
  const { one, other } = breakers()
  fail(one, NOW, 5)
  const lost = one.admit(NOW + 30_000)
  assert.equal(other.admit(NOW + 34_999), REFUSED)
  const next = other.admit(NOW + 35_000)
  assert.ok(next > ORDINARY && next !== lost)
  one.record(lost, 'success', NOW + 35_001)
  assert.equal(other.state(NOW + 35_001), 'half_open')
  one.record(lost, 'failure', NOW + 35_002)
  assert.equal(other.state(NOW + 35_002), 'half_open')
  other.record(next, 'success', NOW + 35_003)
  assert.equal(one.state(NOW + 35_003), 'closed')
})

test('several probes run at a time where the rules say so, and so many must succeed', () => {
  const { one, other } = breakers({ probes: 2, probeSuccesses: 3 })
  fail(one, NOW, 5)
  const later = NOW + 30_000
  const first = one.admit(later)
  const second = other.admit(later)
  assert.ok(second > ORDINARY)
  assert.equal(one.admit(later), REFUSED)
  one.record(first, 'success', later)
  other.record(second, 'success', later)
  assert.equal(one.state(later), 'half_open')
  one.record(one.admit(later), 'success', later)
  assert.equal(one.state(later), 'closed')
})

test('of probes that run together, those that report after the verdict have no effect', () => {
  const { one, other } = breakers({ probes: 2 })
  fail(one, NOW, 5)
  const later = NOW + 30_000
  const [first, second] = [one.admit(later), other.admit(later)]
  one.record(first, 'success', later)
  other.record(second, 'failure', later)
  assert.equal(one.state(later), 'closed')
})

test('what was counted before it closed does not open it again', () => {
  const { one } = breakers({ windowMs: 100_000 })
  fail(one, NOW, 5)
  one.record(one.admit(NOW + 30_000), 'success', NOW + 30_000)
  assert.equal(fail(one, NOW + 50_000, 4), false)
  assert.equal(fail(one, NOW + 50_000, 1), true)
})

test('requests that were sent before it opened neither close it nor lengthen its time', () => {
  const { one, other } = breakers()
  const early = [other.admit(NOW), other.admit(NOW)]
  fail(one, NOW, 5)
  other.record(early[0] ?? REFUSED, 'failure', NOW + 10_000)
  other.record(early[1] ?? REFUSED, 'success', NOW + 10_000)
  assert.equal(one.waitMs(NOW + 10_000), 20_000)
})

test('generations come round after thousands of probes and the breaker still works', () => {
  const { one } = breakers({ openMs: 1 })
  fail(one, NOW, 5)
  let nowMs = NOW + 1
  for (let n = 0; n < 40_000; n++) {
    const probe = one.admit(nowMs)
    if (probe <= ORDINARY) assert.fail(`probe ${n} was not admitted`)
    one.record(probe, 'failure', nowMs)
    nowMs += 1
  }
  one.record(one.admit(nowMs), 'success', nowMs)
  assert.equal(one.state(nowMs), 'closed')
})

test('a slot that is given to another target knows nothing of the last one, for every thread', () => {
  const { one, other } = breakers({ failures: 3 })
  one.belongTo(7n, NOW)
  const failedAt = NOW + 3_000
  assert.equal(fail(one, failedAt, 3), true)
  other.belongTo(7n, failedAt)
  assert.equal(other.state(failedAt), 'open')
  other.belongTo(8n, failedAt + 10)
  assert.equal(one.state(failedAt + 10), 'closed')
  // Nor does the window count what was before.
  assert.equal(fail(one, failedAt + 3_000, 2), false)
  assert.equal(fail(one, failedAt + 3_000, 1), true)
})

test('failures in a row open it only when they are also the share, unless there was no connection at all', () => {
  const rules = { failures: null, consecutiveFailures: 5, failureShare: { share: 0.5, minimumVolume: 100 } }
  const { one: busy } = breakers(rules)
  for (let n = 0; n < 40; n++) busy.record(busy.admit(NOW), 'success', NOW)
  assert.equal(fail(busy, NOW, 12), false)
  const { one: quiet } = breakers(rules)
  assert.equal(fail(quiet, NOW, 5), true)
  const { one: dead } = breakers(rules)
  for (let n = 0; n < 40; n++) dead.record(dead.admit(NOW), 'success', NOW)
  for (let n = 0; n < 4; n++) assert.equal(dead.record(dead.admit(NOW), 'down', NOW), false)
  assert.equal(dead.record(dead.admit(NOW), 'down', NOW), true)
})

test('a check that passes after it opened makes it half-open; one that passed before does not', () => {
  let passedAt = NOW - 1
  const cells = cellsFor()
  const place = { cells, index: 3, seat: seat(), random: () => 0, passedAtMs: () => passedAt }
  const breaker = new Breaker(place, RULES)
  fail(breaker, NOW, 5)
  assert.equal(breaker.admit(NOW + 1_000), REFUSED)
  assert.equal(breaker.waitMs(NOW + 1_000), 29_000)
  passedAt = NOW + 500
  assert.equal(breaker.waitMs(NOW + 1_000), 0)
  const probe = breaker.admit(NOW + 1_000)
  assert.ok(probe > ORDINARY)
  assert.equal(breaker.admit(NOW + 1_000), REFUSED)
  breaker.record(probe, 'success', NOW + 1_000)
  assert.equal(breaker.state(NOW + 1_000), 'closed')
})

test('a request that went although it was open closes it when it succeeds, and changes nothing when it fails', () => {
  const { one, other } = breakers()
  fail(one, NOW, 5)
  one.record(FORCED, 'failure', NOW)
  assert.equal(other.state(NOW), 'open')
  one.record(FORCED, 'success', NOW)
  assert.equal(other.state(NOW), 'closed')
})
