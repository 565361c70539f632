import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { LoadSignals } from './load-signals.ts'
import { type LoadSample, LoadShedder } from './shedding.ts'
import { SHEDDING } from './testing/rules.ts'

const BLOCK_MS = 700
/** Far above what other processes of a busy machine do to the loop. */
const LAG = { lagMs: { enter: 500, leave: 400 }, heapShare: { enter: 1, leave: 1 } }
const RULES = { ...SHEDDING, strained: LAG, overloaded: LAG, samplesToLeave: 1 }

/** Blocks this thread's loop again and again until overload is seen, then lets it rest until that is over. */
async function blockAndRest(): Promise<string[]> {
  const shedder = new LoadShedder(RULES)
  const signals = new LoadSignals(shedder, 50)
  const levels: string[] = []
  const rested = Promise.withResolvers<void>()
  const shown: LoadSample[] = []
  let blocks = true
  const block = () => {
    const end = performance.now() + BLOCK_MS
    while (performance.now() < end);
    if (blocks) setTimeout(block, 30)
  }
  setTimeout(block, 30)
  signals.start((sample) => {
    levels.push(shedder.level)
    shown.push(sample)
    if (shedder.level === 'overloaded') blocks = false
    if (shedder.level === 'normal') rested.resolve()
  })
  // The signals alone keep no thread alive.
  const keptAlive = setInterval(() => performance.now(), 1_000)
  await rested.promise
  clearInterval(keptAlive)
  signals.close()
  assert.ok((shown[0]?.lagMs ?? 0) > BLOCK_MS / 2, `lag ${shown[0]?.lagMs} ms`)
  assert.ok(shown.every(({ heapShare }) => heapShare > 0 && heapShare < 1))
  return levels
}

if (isMainThread) {
  test('a blocked event loop of a worker thread is seen, and so is its recovery', async () => {
    const worker = new Worker(new URL(import.meta.url))
    const [levels] = await once(worker, 'message')
    assert.ok(levels.includes('overloaded'), levels.join(' '))
    assert.equal(levels.at(-1), 'normal')
  })
} else {
  parentPort?.postMessage(await blockAndRest())
}
