import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { createCounters } from '../lib/index.ts'
import { BUDGET_CELLS, closeOpen, giveBack, read, reserve, settle } from './budget.ts'

const LIMIT = 100_000
const MOST = 9_000
const ROUNDS = 30_000
const THREADS = 4
const PERIODS = 60
const ROUNDS_PER_PERIOD = 200

/** Cells behind the budget; from `spentIn` on, one for each period. */
const CHARGED = BUDGET_CELLS
const REFUSED = BUDGET_CELLS + 1
const SAMPLES = BUDGET_CELLS + 2
const BREACHES = BUDGET_CELLS + 3
const FINISHED = BUDGET_CELLS + 4
const ARRIVED = BUDGET_CELLS + 5
const SPENT_IN = BUDGET_CELLS + 6

type Role = 'exact' | 'exceeding' | 'turning' | 'reading'

interface Task {
  readonly role: Role
  readonly seed: number
  readonly region: SharedArrayBuffer
}

interface Open {
  readonly period: number
  readonly amount: number
}

/** xorshift: each thread does the same in every run, whatever their interleaving. */
function generator(seed: number): (below: number) => number {
  let state = Math.imul(seed, 2_654_435_761)
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** Ends a reservation in one of the ways there are; answers what it was charged. */
function end(cells: BigInt64Array, { period, amount }: Open, role: Role, random: (below: number) => number): number {
  if (amount < 20) {
    closeOpen(cells, 0, period, amount)
    return amount
  }
  if (random(4) === 0) {
    giveBack(cells, 0, period, amount)
    return 0
  }
  const actual = role === 'exceeding' && random(2000) === 0 ? amount + random(MOST) : random(2)
  settle(cells, 0, period, amount, actual, LIMIT)
  return actual
}

/** Keeps up to eight reservations open, which for four threads is more than the limit has room for. */
function spend(cells: BigInt64Array, role: Role, random: (below: number) => number): void {
  const open: Open[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const amount = 1 + random(MOST)
    if (reserve(cells, 0, 0, amount, LIMIT)) open.push({ period: 0, amount })
    else Atomics.add(cells, REFUSED, 1n)
    for (let keep = random(9); open.length > keep; ) {
      const item = open.shift() as Open // its length was checked
      Atomics.add(cells, CHARGED, BigInt(end(cells, item, role, random)))
    }
  }
  for (const item of open) Atomics.add(cells, CHARGED, BigInt(end(cells, item, role, random)))
}

/** All threads begin each period in the same moment, and end what they reserved in it during the next one. */
function turn(cells: BigInt64Array, random: (below: number) => number, checks: boolean): void {
  let late: Open[] = []
  for (let period = 0; period < PERIODS; period++) {
    meet(cells)
    const open: Open[] = []
    for (let round = 0; round < ROUNDS_PER_PERIOD; round++) {
      const amount = 1 + random(MOST)
      if (reserve(cells, 0, period, amount, LIMIT)) open.push({ period, amount })
      const item = round % 2 === 0 ? late.shift() : open.shift()
      if (item === undefined) continue
      Atomics.add(cells, SPENT_IN + item.period, BigInt(end(cells, item, 'exact', random)))
    }
    for (const item of late) Atomics.add(cells, SPENT_IN + item.period, BigInt(end(cells, item, 'exact', random)))
    late = open
    meet(cells)
    if (!checks || period === 0) continue
    const past = read(cells, 0, period - 1)
    const expected = Number(Atomics.load(cells, SPENT_IN + period - 1))
    if (past.used !== expected || past.spent !== expected || past.reserved !== 0) Atomics.add(cells, BREACHES, 1n)
    Atomics.add(cells, SAMPLES, 1n)
  }
}

/** Waits for the other threads that spend. */
function meet(cells: BigInt64Array): void {
  const place = Atomics.add(cells, ARRIVED, 1n)
  const last = (place / BigInt(THREADS) + 1n) * BigInt(THREADS)
  if (place + 1n === last) Atomics.notify(cells, ARRIVED)
  for (let now = place + 1n; now < last; now = Atomics.load(cells, ARRIVED)) Atomics.wait(cells, ARRIVED, now, 1000)
}

function sample(cells: BigInt64Array): void {
  while (Number(Atomics.load(cells, FINISHED)) < THREADS) {
    const { used, reserved, spent } = read(cells, 0, 0)
    const held = used <= LIMIT && spent <= LIMIT && spent >= 0 && reserved >= 0 && reserved <= LIMIT
    if (!held) Atomics.add(cells, BREACHES, 1n)
    Atomics.add(cells, SAMPLES, 1n)
  }
}

/** Goes on until an excess meets the limit: whether the threads' own do is left to how they take turns. */
function exceed(cells: BigInt64Array): void {
  while (read(cells, 0, 0).overshoot === 0 && reserve(cells, 0, 0, 1, LIMIT)) {
    settle(cells, 0, 0, 1, MOST, LIMIT)
    Atomics.add(cells, CHARGED, BigInt(MOST))
  }
}

async function run(roles: readonly Role[]): Promise<BigInt64Array> {
  const region = createCounters(1024)
  await Promise.all(
    roles.map(
      (role, position) =>
        new Promise<void>((resolve, reject) => {
          const task: Task = { role, seed: position + 1, region }
          const worker = new Worker(new URL(import.meta.url), { workerData: task })
          worker.once('error', reject)
          worker.once('exit', () => resolve())
        }),
    ),
  )
  return new BigInt64Array(region)
}

if (isMainThread) {
  test('four threads on one budget: no reader sees it above its limit, and the sums are exact', async () => {
    const cells = await run(['exact', 'exact', 'exact', 'exact', 'reading'])
    const charged = Number(cells[CHARGED])
    assert.equal(Number(cells[BREACHES]), 0)
    assert.deepEqual(read(cells, 0, 0), { used: charged, reserved: 0, spent: charged, overshoot: 0 })
    assert.ok(Number(cells[REFUSED]) > 100, `refused ${cells[REFUSED]} times`)
    assert.ok(Number(cells[SAMPLES]) > 1000, `sampled ${cells[SAMPLES]} times`)
  })

  test('upstreams that exceed their reservations: used stays within the limit, and the excess is counted', async () => {
    const cells = await run(['exceeding', 'exceeding', 'exceeding', 'exceeding', 'reading'])
    exceed(cells)
    const { used, reserved, overshoot } = read(cells, 0, 0)
    assert.equal(Number(cells[BREACHES]), 0)
    assert.equal(reserved, 0)
    assert.equal(used + overshoot, Number(cells[CHARGED]))
    assert.ok(overshoot > 0, 'no excess met the limit')
  })

  test('four threads over the turn of many periods: each period holds exactly what was charged to it', async () => {
    const cells = await run(['turning', 'turning', 'turning', 'turning'])
    assert.equal(Number(cells[BREACHES]), 0)
    assert.equal(Number(cells[SAMPLES]), PERIODS - 1)
    assert.ok(cells.subarray(SPENT_IN, SPENT_IN + PERIODS).every((spent) => spent > 0n))
  })
} else {
  const { role, seed, region } = workerData as Task // made by run()
  const cells = new BigInt64Array(region)
  const random = generator(seed)
  if (role === 'reading') sample(cells)
  else if (role === 'turning') turn(cells, random, seed === 1)
  else spend(cells, role, random)
  Atomics.add(cells, FINISHED, 1n)
}
