import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { createCounters, monotonicUs } from '../../lib/index.ts'
import { Breaker, type BreakerRules, breakerCells, ORDINARY, REFUSED } from './breaker.ts'
import { RetryBudget } from './retry-budget.ts'
import { viewCells } from './shared-cells.ts'
import { SEATS } from './testing/pool.ts'

const ROUNDS = 60_000
const RETRIES = 200_000
/** Cells of the test behind the breaker and the budget. */
const BUDGET = breakerCells(SEATS)
const MOST = BUDGET + 3
const PROBED = BUDGET + 4
const TAKEN = BUDGET + 5
const ARRIVED = BUDGET + 6
const LOST = BUDGET + 7
/** Probes that run now, by the generation that their permit names. */
const RUNNING = BUDGET + 16
const CELLS = RUNNING + 16_384

type Role = 'probing alone' | 'probing in pairs' | 'dying' | 'retrying'

interface Task {
  readonly role: Role
  readonly number: number
  readonly threads: number
  readonly region: SharedArrayBuffer
}

function rulesOf(role: Role): BreakerRules {
  return {
    consecutiveFailures: 1,
    failures: null,
    failureShare: null,
    windowMs: 1_000,
    openMs: 0,
    jitterShare: 0,
    probes: role === 'probing in pairs' ? 2 : 1,
    probeSuccesses: 2,
    probeLeaseMs: role === 'dying' ? 40 : 60_000,
  }
}

function breakerOf({ role, number, region }: Task): Breaker {
  const place = { cells: viewCells(region), index: 0, seat: { number, of: SEATS }, random: Math.random }
  return new Breaker(place, rulesOf(role))
}

/** Probes as fast as it can; counts how many of one half-open state run at a time over all threads. */
function probe(task: Task): void {
  const breaker = breakerOf(task)
  const words = new BigInt64Array(task.region)
  for (let round = 0; round < ROUNDS; round++) {
    const nowMs = monotonicUs() / 1000
    const permit = breaker.admit(nowMs)
    if (permit === REFUSED) continue
    if (permit === ORDINARY) {
      breaker.record(permit, 'failure', nowMs)
      continue
    }
    const place = RUNNING + (task.role === 'probing alone' ? 0 : permit)
    const running = Atomics.add(words, place, 1n) + 1n
    Atomics.add(words, PROBED, 1n)
    for (let most = Atomics.load(words, MOST); running > most; most = Atomics.load(words, MOST)) {
      Atomics.compareExchange(words, MOST, most, running)
    }
    Atomics.sub(words, place, 1n)
    breaker.record(permit, round % 3 === 0 ? 'neutral' : round % 3 === 1 ? 'success' : 'failure', nowMs)
  }
}

/** Each thread but the first takes the probe and dies with it. */
function die(task: Task): void {
  const breaker = breakerOf(task)
  const words = new BigInt64Array(task.region)
  const endMs = monotonicUs() / 1000 + 10_000
  for (let nowMs = 0; nowMs < endMs; ) {
    nowMs = monotonicUs() / 1000
    const permit = breaker.admit(nowMs)
    if (permit <= ORDINARY) continue
    Atomics.add(words, PROBED, 1n)
    Atomics.store(words, LOST + task.number, BigInt(Math.floor(nowMs)))
    return
  }
}

function retry(task: Task): void {
  const budget = new RetryBudget(viewCells(task.region), BUDGET, {
    share: 0.5,
    minimumPerSecond: 0,
    capacity: 1_000_000,
  })
  const words = new BigInt64Array(task.region)
  for (let round = 0; round < RETRIES; round++) {
    budget.deposit()
    if (budget.take(1)) Atomics.add(words, TAKEN, 1n)
  }
}

/** Waits for the other threads, which take their time to start. */
function meet(words: BigInt64Array, threads: number): void {
  Atomics.add(words, ARRIVED, 1n)
  Atomics.notify(words, ARRIVED)
  for (let arrived = 0n; arrived < threads; arrived = Atomics.load(words, ARRIVED)) {
    Atomics.wait(words, ARRIVED, arrived, 1000)
  }
}

async function run(role: Role, threads: number, region: SharedArrayBuffer): Promise<void> {
  await Promise.all(
    Array.from(
      { length: threads },
      async (_, number) =>
        await new Promise<void>((resolve, reject) => {
          const task: Task = { role, number, threads, region }
          const worker = new Worker(new URL(import.meta.url), { workerData: task })
          worker.once('error', reject)
          worker.once('exit', () => resolve())
        }),
    ),
  )
}

if (isMainThread) {
  for (const [role, most] of [
    ['probing alone', 1],
    ['probing in pairs', 2],
  ] as const) {
    test(`four threads on one half-open breaker, ${role}: never more than ${most} at a time, and none is lost`, async () => {
      const region = createCounters(CELLS)
      const first = breakerOf({ role, number: 0, threads: 0, region })
      first.record(first.admit(0), 'failure', 0)
      await run(role, SEATS, region)
      const words = new BigInt64Array(region)
      assert.ok(Number(words[PROBED]) > 10_000, `${words[PROBED]} probes`)
      assert.equal(Number(words[MOST]), most)
      assert.notEqual(first.admit(monotonicUs() / 1000), REFUSED)
    })
  }

  test('threads that die with the probe hold it one lease each, and then the next thread has it', async () => {
    const region = createCounters(CELLS)
    const task: Task = { role: 'dying', number: 3, threads: 0, region }
    const breaker = breakerOf(task)
    breaker.record(breaker.admit(0), 'failure', 0)
    await run('dying', 3, region)
    const words = new BigInt64Array(region)
    assert.equal(Number(words[PROBED]), 3)
    const times = [0, 1, 2].map((number) => Number(words[LOST + number])).toSorted((a, b) => a - b)
    for (const n of [1, 2]) {
      const apartMs = (times[n] ?? 0) - (times[n - 1] ?? 0)
      assert.ok(apartMs >= 39, `the next probe came ${apartMs} ms after the one that was lost`)
    }
    const permit = breaker.admit((times[2] ?? 0) + 50)
    assert.ok(permit > ORDINARY)
    breaker.record(permit, 'success', (times[2] ?? 0) + 51)
    assert.equal(breaker.state((times[2] ?? 0) + 51), 'half_open')
  })

  test('four threads on one retry budget take exactly what their requests paid for', async () => {
    const region = createCounters(CELLS)
    await run('retrying', SEATS, region)
    const words = new BigInt64Array(region)
    const budget = new RetryBudget(viewCells(region), BUDGET, { share: 0.5, minimumPerSecond: 0, capacity: 1_000_000 })
    assert.equal(Number(words[TAKEN]) + budget.left, (SEATS * RETRIES) / 2)
    assert.ok(Number(words[TAKEN]) > 0)
  })
} else {
  const task = workerData as Task // made by run()
  meet(new BigInt64Array(task.region), task.threads)
  if (task.role === 'dying') die(task)
  else if (task.role === 'retrying') retry(task)
  else probe(task)
}
