import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { createCounters, monotonicUs } from '../../lib/index.ts'
import { type PlaceQueue, placeQueueAt } from './place-queue.ts'
import { viewCells } from './shared-cells.ts'
import { placesCells } from './shared-places.ts'
import { SEATS } from './testing/pool.ts'

const REQUESTS = 1_500
const AT_A_TIME = 16
const MAX = 5
/** Words of the test behind the slot. */
const NOW = placesCells(SEATS)
const MOST = NOW + 1
const SERVED = NOW + 2

interface Task {
  readonly number: number
  readonly region: SharedArrayBuffer
}

/** A place now, or when one is free. */
async function place(queue: PlaceQueue): Promise<number> {
  const taken = queue.take(MAX)
  if (taken >= 0) return taken
  const { promise, resolve } = Promise.withResolvers<number>()
  const waiter = {
    sinceMs: monotonicUs() / 1_000,
    offer: (): 'full' | 'gone' => {
      const given = queue.takeInTurn(MAX)
      if (given < 0) return 'full'
      queue.leave(waiter)
      resolve(given)
      return 'gone'
    },
  }
  assert.ok(queue.join(waiter, 1_000))
  return await promise
}

async function serve({ number, region }: Task): Promise<void> {
  // What waits in shared memory alone does not keep a thread alive.
  const alive = setInterval(() => undefined, 60_000)
  const queue = placeQueueAt(viewCells(region), 0, { number, of: SEATS })
  const words = new BigInt64Array(region)
  let left = REQUESTS
  const one = async () => {
    while (left-- > 0) {
      const taken = await place(queue)
      const now = Atomics.add(words, NOW, 1n) + 1n
      for (let most = Atomics.load(words, MOST); now > most; most = Atomics.load(words, MOST)) {
        Atomics.compareExchange(words, MOST, most, now)
      }
      await turn()
      Atomics.sub(words, NOW, 1n)
      Atomics.add(words, SERVED, 1n)
      queue.giveBack(taken)
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, one))
  clearInterval(alive)
}

if (isMainThread) {
  test('threads that take and wait for places never have more than there are, and all are served', {
    timeout: 60_000,
  }, async () => {
    const region = createCounters(SERVED + 1)
    const words = new BigInt64Array(region)
    await Promise.all(
      Array.from({ length: SEATS }, async (_, number) => {
        const worker = new Worker(new URL(import.meta.url), { workerData: { number, region } satisfies Task })
        await new Promise<void>((resolve, reject) => worker.once('error', reject).once('exit', () => resolve()))
      }),
    )
    assert.equal(Atomics.load(words, SERVED), BigInt(SEATS * REQUESTS))
    assert.equal(Atomics.load(words, MOST), BigInt(MAX), 'all places were used at once, and no more')
    const queue = placeQueueAt(viewCells(region), 0, { number: 0, of: SEATS })
    assert.deepEqual([queue.served, queue.queued], [0, 0])
  })
} else await serve(workerData as Task) // what the test gave it
