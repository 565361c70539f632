import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { createCounters, monotonicUs } from '../lib/index.ts'
import { LIMIT_TABLE_CELLS, LimitTable } from './limit-table.ts'

const THREADS = 4
const ROUNDS = 40_000
/** Few, so that the threads are in each other's way. */
const IDENTITIES = 4
/** Recovers far more slowly than the test runs. */
const RATE = { intervalUs: 60_000_000, burst: 20_000 }
const ADMITTED = LIMIT_TABLE_CELLS
const ARRIVED = ADMITTED + IDENTITIES

if (isMainThread) {
  test('threads that count together admit each identity its burst and no more', async () => {
    const region = createCounters(ARRIVED + 1)
    const cells = new BigInt64Array(region)
    const ends = Array.from({ length: THREADS }, async (_, seed) => {
      const worker = new Worker(new URL(import.meta.url), { workerData: { region, seed } })
      await new Promise<void>((resolve, reject) => {
        worker.once('error', reject)
        worker.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`exit ${code}`))))
      })
    })
    await Promise.all(ends)
    const admitted = [...cells.subarray(ADMITTED, ADMITTED + IDENTITIES)].map(Number)
    // Each was asked for twice as often as that. A request more for each other thread at the very first moment.
    for (const [who, times] of admitted.entries()) {
      assert.ok(times >= RATE.burst && times < RATE.burst + THREADS, `identity ${who}: ${times}`)
    }
  })
} else {
  const { region, seed } = workerData as { region: SharedArrayBuffer; seed: number } // given above
  const cells = new BigInt64Array(region)
  const table = new LimitTable(cells, 0, RATE)
  Atomics.add(cells, ARRIVED, 1n)
  while (Atomics.load(cells, ARRIVED) < THREADS) Atomics.wait(cells, 0, 0n, 1)
  for (let round = 0; round < ROUNDS; round++) {
    const who = (round * 7 + seed) % IDENTITIES
    if (table.take(`identity ${who}`, monotonicUs()) === 0) Atomics.add(cells, ADMITTED + who, 1n)
  }
}
