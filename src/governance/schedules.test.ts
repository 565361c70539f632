import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  ALL_RESERVED,
  BUDGET_CELLS,
  type Charge,
  closeOpen,
  finishSettle,
  giveBack,
  giveBackLeft,
  read,
  reserveAll,
  settle,
} from './budget.ts'
import { Intents, intentRegionCells, readIntents } from './intents.ts'
import { giveBack as giveRequestBack, rateOf, take as takeRequest } from './rate-limit.ts'

/*
 * Schedules of several workers over shared memory, as random as can be: who takes, settles, gives back and dies, and when a
 * period turns, against models that are as simple as the promise. Whatever fails here prints its seed, and the schedule at
 * its shortest.
 */

/**
 * Of three levels, each with a budget; the last one turns half as often. Not the tightest first, as the gateway asks them: so
 * it happens often that a later one refuses what earlier ones have granted.
 */
const LIMITS = [1_500, 700, 1_200]
const WORKERS = 3
const CAPACITY = 16
/** Atomic operations: a thread is stopped between two of them, nowhere else (see intents.ts). */
const OPERATIONS = ['load', 'compareExchange'] as const

class Stopped extends Error {}

/** Runs a step of a worker that dies before its n-th atomic operation; true when it died. */
function diesAt(operation: number, step: () => void): boolean {
  let left = operation
  const originals = OPERATIONS.map((name) => Atomics[name])
  for (const [at, name] of OPERATIONS.entries()) {
    const original = originals[at] as (...args: unknown[]) => unknown // called with what it was called with
    Object.assign(Atomics, {
      [name]: (...args: unknown[]) => {
        if (left-- === 0) throw new Stopped()
        return original(...args)
      },
    })
  }
  try {
    step()
    return false
  } catch (error) {
    if (error instanceof Stopped) return true
    throw error
  } finally {
    for (const [at, name] of OPERATIONS.entries()) Object.assign(Atomics, { [name]: originals[at] })
  }
}

/** A request that is in a journal: reserved there, and perhaps settled. */
interface Entry {
  readonly charges: readonly Charge[]
  actual: number | null
}

/** A worker with its region of intents, and what its journal holds. */
class TestWorker {
  readonly region = new Float64Array(intentRegionCells(CAPACITY))
  readonly intents = new Intents(this.region, CAPACITY)
  settles: Entry[] = []
  open: Entry[] = []

  constructor() {
    this.intents.openSegment(1)
  }
}

/** What was spent and what is held of each counter and period: plain sums. */
class Model {
  readonly sums = new Map<string, { spent: number; held: number }>()

  of({ index, period }: { index: number; period: number }) {
    const name = `${index} ${period}`
    const known = this.sums.get(name)
    if (known !== undefined) return known
    const sum = { spent: 0, held: 0 }
    this.sums.set(name, sum)
    return sum
  }

  hold(charges: readonly Charge[], sign: 1 | -1): void {
    for (const charge of charges) this.of(charge).held += sign * charge.amount
  }

  spend(charges: readonly Charge[], actual: number | null): void {
    for (const charge of charges) this.of(charge).spent += actual ?? charge.amount
  }
}

const action = fc.record({
  does: fc.constantFrom('take', 'take', 'take', 'settle', 'settle', 'release', 'turn'),
  worker: fc.nat(WORKERS - 1),
  levels: fc.subarray([0, 1, 2], { minLength: 1 }),
  amount: fc.nat(400),
  /** Of what was reserved, in percent: some upstreams use more. */
  used: fc.constantFrom(0, 10, 50, 100, 100, 150),
  which: fc.nat(),
  /** Atomic operations until the worker dies in this step; most outlive it. */
  dies: fc.option(fc.nat(25), { freq: 4 }),
})

test('B24 budgets of several levels keep their books for any schedule of workers that take, settle, release, die, and of periods that turn', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60, size: 'max' }), (schedule) => {
      const cells = new BigInt64Array(LIMITS.length * BUDGET_CELLS)
      const workers = Array.from({ length: WORKERS }, () => new TestWorker())
      const model = new Model()
      let turns = 0
      const periodOf = (level: number) => (level === 2 ? turns >> 1 : turns)
      const bury = (at: number, worker: TestWorker, lost: () => void) => {
        repair(cells, worker)
        lost()
        for (const { charges } of worker.open) {
          model.hold(charges, -1)
          model.spend(charges, null)
        }
        workers[at] = new TestWorker()
      }
      for (const { does, worker: at, levels, amount, used, which, dies } of schedule) {
        const worker = workers[at] ?? assert.fail('one of them')
        const entry = worker.open[which % Math.max(1, worker.open.length)]
        if (does === 'turn') {
          turns++
        } else if (does === 'take') {
          const charges = levels.map((level): Charge => {
            return { index: level * BUDGET_CELLS, period: periodOf(level), amount, limit: LIMITS[level] ?? 0 }
          })
          const expected = charges.findIndex((charge) => {
            const { spent, held } = model.of(charge)
            return spent + held + amount > charge.limit
          })
          let answer: number | null = null
          const died = diesAt(dies ?? Number.POSITIVE_INFINITY, () => {
            answer = reserveAll(cells, charges, worker.intents)
          })
          // Who dies before its turn is written has reserved nothing.
          if (died) bury(at, worker, () => undefined)
          else {
            assert.equal(answer, expected === -1 ? ALL_RESERVED : expected)
            if (expected === -1) {
              const taken: Entry = { charges, actual: null }
              worker.open.push(taken)
              model.hold(charges, 1)
            }
            worker.intents.clear()
          }
        } else if (entry !== undefined) {
          worker.open = worker.open.filter((each) => each !== entry)
          const { charges } = entry
          const isRelease = does === 'release'
          entry.actual = isRelease ? 0 : Math.floor(((charges[0]?.amount ?? 0) * used) / 100)
          // The settlement is written first, the counters follow.
          worker.settles.push(entry)
          const died = diesAt(dies ?? Number.POSITIVE_INFINITY, () => {
            for (const { index, period, amount: reserved, limit } of charges) {
              settle(cells, index, period, reserved, entry.actual ?? 0, limit, worker.intents)
            }
          })
          model.hold(charges, -1)
          model.spend(charges, entry.actual)
          if (died) bury(at, worker, () => undefined)
        }
        for (const [level, limit] of LIMITS.entries()) {
          const index = level * BUDGET_CELLS
          const period = periodOf(level)
          const reading = read(cells, index, period)
          const { spent, held } = model.of({ index, period })
          assert.ok(reading.used <= limit && reading.spent <= limit && reading.reserved >= 0, JSON.stringify(reading))
          assert.deepEqual([reading.used + reading.overshoot, reading.reserved], [spent + held, held])
        }
      }
    }),
    { numRuns: 400 },
  )
})

/** What the control thread does for a worker that died: see counter-repair.ts. */
function repair(cells: BigInt64Array, worker: TestWorker): void {
  const left = readIntents(worker.region)
  for (const taken of left.taken) giveBackLeft(cells, taken)
  const unapplied = worker.settles.flatMap(({ charges, actual }) => charges.map((charge) => ({ charge, actual })))
  for (const [at, { charge, actual }] of unapplied.slice(left.settled).entries()) {
    finishSettle(cells, charge, actual ?? 0, at === 0 ? left.progress : { step: 0, rest: 0 })
  }
  for (const { charges } of worker.open) {
    for (const { index, period, amount } of charges) closeOpen(cells, index, period, amount)
  }
}

test('what is reserved and given back in the same turn leaves nothing behind, wherever the worker dies', () => {
  fc.assert(
    fc.property(fc.nat(40), fc.integer({ min: 1, max: 300 }), fc.subarray([0, 1, 2]), (dies, amount, levels) => {
      const cells = new BigInt64Array(LIMITS.length * BUDGET_CELLS)
      const worker = new TestWorker()
      const charges = levels.map((level) => {
        return { index: level * BUDGET_CELLS, period: 0, amount, limit: LIMITS[level] ?? 0 }
      })
      const died = diesAt(dies, () => {
        assert.equal(reserveAll(cells, charges, worker.intents), ALL_RESERVED)
        for (const charge of charges) giveBack(cells, charge.index, 0, charge.amount, worker.intents)
        worker.intents.dropPending()
      })
      if (died) repair(cells, worker)
      for (const { index } of charges)
        assert.deepEqual(read(cells, index, 0), { used: 0, reserved: 0, spent: 0, overshoot: 0 })
    }),
    { numRuns: 300 },
  )
})

test('B7 requests of several levels pass no window of any of them, and are refused only where one is full', () => {
  const windowUs = 60_000_000
  const limits = [9, 5, 30]
  const rates = limits.map((limit, slot) => ({ slot, limit, ...rateOf(limit, windowUs) }))
  const request = fc.record({ gapUs: fc.nat(4_000_000), levels: fc.subarray([0, 1, 2], { minLength: 1 }) })
  fc.assert(
    fc.property(fc.array(request, { maxLength: 150, size: 'max' }), (requests) => {
      const cells = new BigInt64Array(limits.length)
      const passed: number[][] = limits.map(() => [])
      // As a bucket: what is in it now, in microseconds.
      const buckets = rates.map(({ intervalUs, burst }) => intervalUs * burst)
      let nowUs = 1_000_000
      for (const { gapUs, levels } of requests) {
        nowUs += gapUs
        for (const [at, rate] of rates.entries()) {
          buckets[at] = Math.min(rate.intervalUs * rate.burst, (buckets[at] ?? 0) + gapUs)
        }
        const asked = levels.flatMap((level) => rates[level] ?? [])
        const full = asked.findIndex(({ slot, intervalUs, burst }) => {
          return takeRequest(cells, slot, nowUs, intervalUs, burst) !== 0
        })
        for (const { slot, intervalUs } of full === -1 ? [] : asked.slice(0, full)) {
          giveRequestBack(cells, slot, intervalUs)
        }
        const expected = asked.findIndex(({ slot, intervalUs }) => (buckets[slot] ?? 0) < intervalUs)
        assert.equal(full, expected)
        if (full !== -1) continue
        for (const { slot, intervalUs } of asked) {
          buckets[slot] = (buckets[slot] ?? 0) - intervalUs
          passed[slot]?.push(nowUs)
        }
      }
      for (const { slot, limit, intervalUs } of rates) {
        const times = passed[slot] ?? []
        for (const [first, from] of times.entries()) {
          for (const [count, to] of times.slice(first).entries()) {
            assert.ok(count + 1 <= limit + Math.floor((to - from) / intervalUs), `${count + 1} of ${limit}`)
          }
        }
      }
    }),
    { numRuns: 200 },
  )
})
