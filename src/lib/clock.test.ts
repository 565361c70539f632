import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { monotonicUs } from './clock.ts'

/** Half of the narrowest bracket, on a busy machine and before the code is warm. */
const DISTANCE_ERROR_US = 20

if (isMainThread) {
  test('never goes back, and counts microseconds', () => {
    let last = monotonicUs()
    for (let reading = 0; reading < 10_000; reading++) {
      const next = monotonicUs()
      assert.ok(Number.isSafeInteger(next) && next >= last)
      last = next
    }
    const before = monotonicUs()
    const startNs = process.hrtime.bigint()
    let elapsedUs = 0
    while (elapsedUs < 20_000) elapsedUs = Number(process.hrtime.bigint() - startNs) / 1000
    const measuredUs = monotonicUs() - before
    const laterUs = Number(process.hrtime.bigint() - startNs) / 1000
    assert.ok(measuredUs >= elapsedUs - 1, `${measuredUs} for at least ${elapsedUs}`)
    // The first reading may have come long before the other clock's, should the thread have lost its core between.
    assert.ok(measuredUs < laterUs + 1_000_000, `${measuredUs} for at most ${laterUs}`)
  })

  test('reads the same in another thread: what is read later is not smaller', async () => {
    const worker = new Worker(new URL(import.meta.url))
    try {
      for (let round = 0; round < 50; round++) {
        const before = monotonicUs()
        const inWorker = await new Promise<number>((resolve) => {
          worker.once('message', resolve)
          worker.postMessage('read')
        })
        const after = monotonicUs()
        assert.ok(
          before - DISTANCE_ERROR_US <= inWorker && inWorker <= after + DISTANCE_ERROR_US,
          `${before} ${inWorker} ${after}`,
        )
      }
    } finally {
      await worker.terminate()
    }
  })
} else {
  parentPort?.on('message', () => parentPort?.postMessage(monotonicUs()))
}
