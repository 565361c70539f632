import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import fc from 'fast-check'
import { createCounters } from '../lib/index.ts'
import { peek, rateOf, remaining, restore, take } from './rate-limit.ts'

const THREADS = 4
const INTERVAL_US = 50
const BURST = 1000
const ADMITTED = 0
const LIMIT = 1
const CLOCK = 2

if (isMainThread) {
  test('admits what a bucket refilled at the same rate admits, and tells how long to wait', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.nat(3000), { maxLength: 100 }),
        (intervalUs, burst, gaps) => {
          const cells = new BigInt64Array(2)
          const full = burst * intervalUs
          let nowUs = 5_000_000
          let bucket = full
          for (const gap of gaps) {
            nowUs += gap
            bucket = Math.min(full, bucket + gap)
            const waitUs = bucket >= intervalUs ? 0 : intervalUs - bucket
            assert.equal(peek(cells, 1, nowUs, intervalUs, burst), waitUs)
            assert.equal(remaining(cells, 1, nowUs, intervalUs, burst), Math.floor(bucket / intervalUs))
            assert.equal(take(cells, 1, nowUs, intervalUs, burst), waitUs)
            if (waitUs === 0) bucket -= intervalUs
            else assert.equal(peek(cells, 1, nowUs + waitUs, intervalUs, burst), 0)
          }
          assert.equal(cells[0], 0n)
        },
      ),
    )
  })

  test('continues after a restart as if nothing had happened', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2000), { minLength: 1, maxLength: 60 }), fc.nat(60), (gaps, bootAfter) => {
        const [intervalUs, burst] = [500, 5]
        const cells = new BigInt64Array(2)
        const admitted: number[] = []
        let nowUs = 1_000_000
        for (const [position, gap] of gaps.entries()) {
          nowUs += gap
          if (take(cells, 0, nowUs, intervalUs, burst) === 0) admitted.push(nowUs)
          if (position === Math.min(bootAfter, gaps.length - 1))
            restore(cells, 1, { arrivalUs: null, timesUs: admitted }, { nowUs, intervalUs, burst })
          else if (position > bootAfter) take(cells, 1, nowUs, intervalUs, burst)
        }
        assert.equal(cells[1], cells[0])
      }),
    )
  })

  test('restores admissions from before the clock of this process began', () => {
    const cells = new BigInt64Array(1)
    const rate = { nowUs: 0, intervalUs: 100, burst: 1 }
    restore(cells, 0, { arrivalUs: null, timesUs: [-5000.5, -4999.5] }, rate)
    assert.equal(take(cells, 0, 0, 100, 1), 0)
    const running = new BigInt64Array(1)
    restore(running, 0, { arrivalUs: null, timesUs: [-50] }, rate)
    assert.equal(take(running, 0, 0, 100, 1), 50)
  })

  test('goes on from the arrival time that was saved, and is never further ahead than a whole burst', () => {
    const rate = { nowUs: 1_000, intervalUs: 100, burst: 5 }
    const cells = new BigInt64Array(3)
    restore(cells, 0, { arrivalUs: 1_200, timesUs: [1_050] }, rate)
    assert.equal(cells[0], 1_300n)
    restore(cells, 1, { arrivalUs: 1_200, timesUs: [] }, rate)
    assert.equal(cells[1], 1_200n)
    restore(cells, 2, { arrivalUs: 9_999_999, timesUs: [] }, rate)
    assert.equal(cells[2], 1_500n)
  })

  test('rounds a rate so that the steady rate never exceeds the limit', () => {
    assert.deepEqual(rateOf(60, 60_000_000), { intervalUs: 1_000_000, burst: 60 })
    assert.deepEqual(rateOf(7, 60_000_000), { intervalUs: 8_571_429, burst: 7 })
    assert.equal(rateOf(60_000_000, 60_000_000).intervalUs, 1)
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60_000_000 }), (limit) => {
        const { intervalUs } = rateOf(limit, 60_000_000)
        assert.ok(intervalUs >= 1 && 60_000_000 / intervalUs <= limit)
      }),
    )
  })

  test('counts the highest limit with the longest burst, and the lowest, to the microsecond', () => {
    const most = 60_000_000
    for (const intervalUs of [1, most]) {
      const cells = new BigInt64Array(1)
      const nowUs = 10 * 365 * 86_400 * 1e6
      cells[0] = BigInt(nowUs + (most - 1) * intervalUs)
      assert.equal(remaining(cells, 0, nowUs, intervalUs, most), 1)
      assert.equal(take(cells, 0, nowUs, intervalUs, most), 0)
      assert.equal(take(cells, 0, nowUs, intervalUs, most), intervalUs)
      assert.equal(take(cells, 0, nowUs + intervalUs, intervalUs, most), 0)
      assert.equal(take(cells, 0, nowUs + intervalUs, intervalUs, most), intervalUs)
    }
  })

  test('admits exactly the burst and the refill over four threads that share a clock', {
    timeout: 60_000,
  }, async () => {
    const region = createCounters(3)
    const cells = new BigInt64Array(region)
    Atomics.store(cells, CLOCK, 1_000_000n)
    // The limit is in use from the start of the clock, so that no time passes that does not count.
    assert.equal(take(cells, LIMIT, 1_000_000, INTERVAL_US, BURST), 0)
    Atomics.store(cells, ADMITTED, 1n)
    const workers = Array.from({ length: THREADS }, () => new Worker(new URL(import.meta.url), { workerData: region }))
    const codes = await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve))))
    assert.deepEqual(codes, Array(THREADS).fill(0))
    const elapsedUs = Number(Atomics.load(cells, CLOCK)) - 1_000_000
    // Each thread stopped when it was refused, the last of them when the clock stood still: nothing is left to admit.
    assert.equal(Number(Atomics.load(cells, ADMITTED)), BURST + Math.floor(elapsedUs / INTERVAL_US))
  })
} else {
  // The main thread has put a region of counters there.
  const cells = new BigInt64Array(workerData as SharedArrayBuffer)
  for (let request = 0; request < 50_000; request++) {
    const nowUs = Number(Atomics.add(cells, CLOCK, 1n)) + 1
    if (take(cells, LIMIT, nowUs, INTERVAL_US, BURST) === 0) Atomics.add(cells, ADMITTED, 1n)
  }
  for (;;) {
    if (take(cells, LIMIT, Number(Atomics.load(cells, CLOCK)), INTERVAL_US, BURST) !== 0) break
    Atomics.add(cells, ADMITTED, 1n)
  }
}
