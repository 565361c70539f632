import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { LIMITED_ROUTES as SERVED_ROUTES } from '../ai/index.ts'
import { monotonicUs } from '../lib/index.ts'
import { createLog } from '../observability/index.ts'
import { readRateState, writeRateState } from '../storage/index.ts'
import { rateName } from './key-counters.ts'
import { LIMITED_ROUTES, RateMemory } from './rate-memory.ts'

test('every route that the limits of keys count is known to who restores them', () => {
  assert.deepEqual(LIMITED_ROUTES, SERVED_ROUTES)
})

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
  const first = new RateMemory(dataDir, { rates: () => [] }, counters, log)
  first.restore(new Map())
  await first.close()
  assert.deepEqual([...(readRateState(dataDir)?.arrivals.keys() ?? [])], [name])

  const rate = { level: 'team:a/run=r', slot: 3, limit: 2, per: 'minute', intervalUs: 30_000_000, burst: 2 } as const
  const second = new RateMemory(dataDir, { rates: () => [rate] }, counters, log)
  second.fill([rate], new Set())
  assert.equal(counters[3], 0n, 'not one that was here')
  second.fill([rate], new Set([name]))
  const aheadMs = Number(counters[3]) / 1_000 - monotonicUs() / 1_000
  assert.ok(aheadMs > 20_000 && aheadMs <= 30_100, String(aheadMs))
})
