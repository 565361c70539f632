import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { storedKeyOf } from '../../test/request-path/keys.ts'
import { type Charge, Intents, intentRegionCells, periodOf, read, reserveAll, settle } from '../governance/index.ts'
import { SlotAllocator } from '../lib/index.ts'
import { createLog } from '../observability/index.ts'
import { JournalAppender, journalDirectory, openLedgerWriter } from '../storage/index.ts'
import { CounterRepair } from './counter-repair.ts'
import type { Database } from './database.ts'
import { KeyRegistry } from './key-registry.ts'
import { createWorkerMemory, INTENT_CAPACITY } from './memory.ts'

const START_MS = 1_000
const PERIOD = periodOf('total', 0)
const KEY = storedKeyOf('k', {
  budgets: [
    { unit: 'tokens', limit: 1_000, per: 'total' },
    { unit: 'nanos', limit: 1_000_000, per: 'total' },
  ],
})

/** A worker that has the memory, the counters and the journal of a real one, and dies when the test says so. */
async function houseOf(t: TestContext) {
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'ferro-repair-'))
  const directory = journalDirectory(dataDir)
  const writer = await openLedgerWriter({ dataDir, databaseUrl: null })
  fs.mkdirSync(directory, { recursive: true })
  const counters = new BigInt64Array(new SharedArrayBuffer(8 * 64))
  const keys = new KeyRegistry({
    counters,
    generations: new Int32Array(new SharedArrayBuffer(64)),
    slots: new SlotAllocator(counters),
    seats: 2,
    spent: () => 0,
    publish: () => undefined,
  })
  keys.putDatabaseKey(KEY)
  const own = createWorkerMemory()
  const intents = new Intents(new Float64Array(own.intents, 0, intentRegionCells(INTENT_CAPACITY)), INTENT_CAPACITY)
  let clears = true
  const journal = new JournalAppender({
    directory,
    startMs: START_MS,
    worker: 1,
    sync: 'interval',
    syncIntervalMs: 5,
    onWritten: () => undefined,
    onReservesWritten: () => {
      if (clears) intents.clear()
    },
    onSegment: (sequence) => intents.openSegment(sequence),
  })
  t.after(() => {
    journal.close()
    writer.close()
    fs.rmSync(dataDir, { recursive: true, force: true })
  })
  const [tokens, nanos] = ['key:k:tokens:total', 'key:k:nanos:total'].map((counter) => ({
    counter,
    index: keys.counterSlot(counter) ?? -1,
  }))
  assert.ok(tokens !== undefined && nanos !== undefined)
  const charges = (amount: number, cost: number): Charge[] => [
    { index: tokens.index, period: PERIOD, amount, limit: 1_000 },
    { index: nanos.index, period: PERIOD, amount: cost, limit: 1_000_000 },
  ]
  const text = (amount: number, cost: number) =>
    JSON.stringify([
      [tokens.counter, PERIOD, amount],
      [nanos.counter, PERIOD, cost],
    ])
  let last = 0
  return {
    /** The worker dies before it forgets the intents of what it writes. */
    diesBeforeClear: () => {
      clears = false
    },
    /** Takes from both budgets; the entry is in the journal when it is `written`. */
    reserve(amount: number, cost: number, state: 'taken' | 'written'): string {
      const id = `01890000-0000-7000-8000-${String(++last).padStart(12, '0')}`
      assert.equal(reserveAll(counters, charges(amount, cost), intents), -1)
      if (state === 'written') {
        journal.reserve(`["r","${id}",1,1000,"k","far","small",${amount},${cost},null,${text(amount, cost)}]`, {
          journaled: () => undefined,
        })
        journal.flushNow()
      }
      return id
    },
    /** Writes what a reservation has become; `applied` of its two charges reach the counters. */
    settle(id: string, reserved: readonly [number, number], actual: readonly [number, number], applied: number): void {
      journal.settle(`["s","${id}",1,${actual[0]},${actual[1]},"reported",${text(...actual)},null]`, {
        settlementWritten: () => {
          for (const [at, { index, period, amount, limit }] of charges(...reserved)
            .slice(0, applied)
            .entries()) {
            settle(counters, index, period, amount, actual[at] ?? 0, limit, intents)
          }
        },
      })
      journal.flushNow()
    },
    async dies(): Promise<void> {
      const writerThread = {
        workerDied: (...args: Parameters<typeof writer.workerDied>) => Promise.resolve(writer.workerDied(...args)),
      }
      const log = createLog({ level: 'error', write: (line) => assert.fail(line) })
      const repair = new CounterRepair(writerThread as unknown as Database, keys, counters, log)
      repair.buried({ worker: 1, startMs: START_MS, own })
      await repair.close()
    },
    use: () => [read(counters, tokens.index, PERIOD), read(counters, nanos.index, PERIOD)],
  }
}

const reading = (spent: number, overshoot = 0) => ({ used: spent, reserved: 0, spent, overshoot })

test('what was taken and not written is given back', async (t) => {
  const house = await houseOf(t)
  house.reserve(100, 500, 'taken')
  await house.dies()
  assert.deepEqual(house.use(), [reading(0), reading(0)])
})

test('what was written and not settled is spent in full', async (t) => {
  for (const forgotten of [true, false]) {
    const house = await houseOf(t)
    if (!forgotten) house.diesBeforeClear()
    house.reserve(100, 500, 'written')
    await house.dies()
    assert.deepEqual(house.use(), [reading(100), reading(500)], forgotten ? 'after the clear' : 'before the clear')
  }
})

test('of one turn, what is written is spent and the rest given back', async (t) => {
  const house = await houseOf(t)
  house.reserve(10, 10, 'written')
  house.diesBeforeClear()
  house.reserve(100, 500, 'written')
  house.reserve(7, 7, 'taken')
  await house.dies()
  assert.deepEqual(house.use(), [reading(110), reading(510)])
})

test('a settlement that was written and not applied is applied, as far as it was not', async (t) => {
  for (const applied of [0, 1, 2]) {
    const house = await houseOf(t)
    const id = house.reserve(100, 500, 'written')
    house.settle(id, [100, 500], [40, 600], applied)
    await house.dies()
    assert.deepEqual(house.use(), [reading(40), reading(600)], `${applied} of 2 charges applied`)
  }
})

test('every kind of leftover at once, each mended once', async (t) => {
  const house = await houseOf(t)
  const done = house.reserve(100, 100, 'written')
  house.settle(done, [100, 100], [30, 30], 2)
  const half = house.reserve(100, 100, 'written')
  house.reserve(50, 50, 'written')
  house.settle(half, [100, 100], [20, 20], 0)
  house.reserve(9, 9, 'taken')
  await house.dies()
  assert.deepEqual(house.use(), [reading(100), reading(100)])
})

test('use beyond reservation and limit is counted as overshoot', async (t) => {
  const house = await houseOf(t)
  const id = house.reserve(900, 10, 'written')
  house.settle(id, [900, 10], [1_500, 10], 0)
  await house.dies()
  assert.deepEqual(house.use(), [reading(1_000, 500), reading(10)])
})

test('a worker that did nothing leaves nothing to mend', async (t) => {
  const house = await houseOf(t)
  await house.dies()
  assert.deepEqual(house.use(), [reading(0), reading(0)])
})
