import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { monotonicUs } from '../lib/index.ts'
import { createLog } from '../observability/index.ts'
import { readRateState, writeRateState } from '../storage/index.ts'
import { rateName, tokensName } from './key-counters.ts'
import { RateMemory } from './rate-memory.ts'

const NOTHING = { admissions: new Map(), tokens: new Map() }

test('limits of values, which begin at their first use, go on where the last process saved them, and are saved again until then', async (t) => {
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'ferro-rates-'))
  t.after(() => fs.rmSync(dataDir, { recursive: true }))
  const name = rateName('team:a/run=r', 'minute')
  const atMs = Date.now()
  const arrivals = new Map([
    [name, (atMs + 30_000) * 1_000],
    ['rate:team:a/run=old:minute', (atMs - 1) * 1_000],
  ])
  await writeRateState(dataDir, { atMs, arrivals })
  const counters = new BigInt64Array(new SharedArrayBuffer(64))
  const log = createLog({ level: () => 'error' })
  const first = new RateMemory(dataDir, { rates: () => [], tokenRates: () => [] }, counters, log)
  first.restore(NOTHING)
  await first.close()
  assert.deepEqual([...(readRateState(dataDir)?.arrivals.keys() ?? [])], [name])

  const rate = { level: 'team:a/run=r', slot: 3, limit: 2, per: 'minute', intervalUs: 30_000_000, burst: 2 } as const
  const second = new RateMemory(dataDir, { rates: () => [rate], tokenRates: () => [] }, counters, log)
  second.fill({ rates: [rate], tokenRate: null }, new Set())
  assert.equal(counters[3], 0n, 'not one that was here')
  second.fill({ rates: [rate], tokenRate: null }, new Set([name]))
  const aheadMs = Number(counters[3]) / 1_000 - monotonicUs() / 1_000
  assert.ok(aheadMs > 20_000 && aheadMs <= 30_100, String(aheadMs))
})

/** Tokens that are left of 60,000 per minute: each takes a millisecond to come back. */
function leftOf(counters: BigInt64Array, slot: number): number {
  return 60_000 - Math.max(0, Number(counters[slot]) - monotonicUs()) / 1_000
}

test('rates of tokens go on where they were: what was saved, and what was charged since', async (t) => {
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'ferro-rates-'))
  t.after(() => fs.rmSync(dataDir, { recursive: true }))
  const log = createLog({ level: () => 'error' })
  const rates = ['key:a', 'key:b', 'key:c'].map((level, slot) => ({ level, slot, limit: 60_000 }))
  const begin = () => {
    const counters = new BigInt64Array(new SharedArrayBuffer(8 * 4))
    const memory = new RateMemory(dataDir, { rates: () => [], tokenRates: () => rates }, counters, log)
    return { counters, memory, left: (slot: number) => leftOf(counters, slot) }
  }
  const first = begin()
  first.memory.restore(NOTHING)
  // All of one limit is used up, and a third of another.
  first.counters.set([60_000_000, 20_000_000].map((aheadUs) => BigInt(monotonicUs() + aheadUs)))
  await first.memory.close()

  const second = begin()
  const since = { atMs: Date.now(), tokens: 30_000 }
  const tokens = new Map([
    ['key:b', [since]],
    ['key:c', [since, { ...since, tokens: 1_000_000 }]],
  ])
  second.memory.restore({ admissions: new Map(), tokens })
  await second.memory.close()
  // A thousand tokens come back each second.
  for (const [slot, most] of [0, 10_000, 0].entries()) {
    assert.ok(second.left(slot) >= most && second.left(slot) < most + 9_000, `${second.left(slot)} of ${slot}`)
  }

  const value = { level: 'key:b', slot: 3, limit: 60_000 }
  const third = new RateMemory(dataDir, { rates: () => [], tokenRates: () => [] }, second.counters, log)
  third.fill({ rates: [], tokenRate: value }, new Set([tokensName('key:b')]))
  const left = leftOf(second.counters, 3)
  assert.ok(left >= 10_000 && left < 19_000, 'a value has its rate from its first use')
})
