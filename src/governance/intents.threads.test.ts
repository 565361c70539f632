import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { createCounters } from '../lib/index.ts'
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

const CAPACITY = 8
const KILLS = 30
const RESERVED = 100
/** Below, above and far above what was reserved: the last finds no room under the limit of the second budget. */
const ACTUAL = [40, 130, 5_000]
const CHARGES: readonly Charge[] = [
  { index: 0, period: 0, amount: RESERVED, limit: Number.MAX_SAFE_INTEGER },
  { index: BUDGET_CELLS, period: 0, amount: RESERVED, limit: 2_000_000 },
]

const STARTED = 2 * BUDGET_CELLS
/** What the journal would hold: charges of reserve entries, and of settle entries. */
const WRITTEN = STARTED + 1
const SETTLED = STARTED + 2
const REGION = STARTED + 3

const regionIn = ({ buffer }: BigInt64Array) => new Float64Array(buffer, REGION * 8, intentRegionCells(CAPACITY))
const actualOf = (ordinal: number) => ACTUAL[(ordinal >> 1) % ACTUAL.length] ?? 0
const chargeOf = (ordinal: number) => CHARGES[ordinal % 2] ?? assert.fail('two charges for each request')

/** One turn after the other as a data worker does them, until it is stopped from outside. */
function work(cells: BigInt64Array): void {
  const intents = new Intents(regionIn(cells), CAPACITY)
  intents.openSegment(1)
  cells[WRITTEN] = 0n
  cells[SETTLED] = 0n
  Atomics.add(cells, STARTED, 1n)
  for (let turn = 0, ordinal = 0; ; turn++) {
    if (reserveAll(cells, CHARGES, intents) !== ALL_RESERVED) {
      // The excess has used up the second budget: from now on a turn takes from the first and gives it back.
      intents.clear()
      continue
    }
    if (turn % 3 === 0) {
      for (const { index, period, amount } of CHARGES) giveBack(cells, index, period, amount, intents)
      intents.clear()
      continue
    }
    cells[WRITTEN] = BigInt(ordinal + 2)
    intents.clear()
    cells[SETTLED] = BigInt(ordinal + 2)
    for (const { index, period, limit } of CHARGES) {
      settle(cells, index, period, RESERVED, actualOf(ordinal), limit, intents)
      ordinal++
    }
  }
}

/** Does for a dead worker what control and the writer do; answers which repairs there was a need for. */
function mend(cells: BigInt64Array): string[] {
  const needed: string[] = []
  const left = readIntents(regionIn(cells))
  const written = Number(cells[WRITTEN])
  const settled = Number(cells[SETTLED])
  for (const intent of left.taken.slice(written - left.journalled)) {
    giveBackLeft(cells, intent)
    needed.push(`give back ${intent.extent}`)
  }
  for (let ordinal = left.settled; ordinal < settled; ordinal++) {
    const progress = ordinal === left.settled ? left.progress : { step: 0, rest: 0 }
    finishSettle(cells, chargeOf(ordinal), actualOf(ordinal), progress)
    needed.push(`settle from step ${progress.step}`)
  }
  for (let ordinal = settled; ordinal < written; ordinal++) {
    closeOpen(cells, chargeOf(ordinal).index, 0, RESERVED)
    needed.push('close')
  }
  return needed
}

if (isMainThread) {
  test('a thread that is stopped at any moment leaves nothing that its intents and its journal do not tell', async () => {
    const region = createCounters(REGION + intentRegionCells(CAPACITY))
    const cells = new BigInt64Array(region)
    const needed = new Set<string>()
    const charged = [0, 0]
    for (let kill = 1; kill <= KILLS; kill++) {
      const worker = new Worker(new URL(import.meta.url), { workerData: region })
      const deadline = performance.now() + 20_000
      while (Number(Atomics.load(cells, STARTED)) < kill) {
        assert.ok(performance.now() < deadline, 'the worker never started')
        await new Promise(setImmediate)
      }
      for (let pause = 0; pause < kill; pause++) await new Promise(setImmediate)
      await worker.terminate()
      for (const repair of mend(cells)) needed.add(repair)
      for (let ordinal = 0; ordinal < Number(cells[WRITTEN]); ordinal++) {
        const amount = ordinal < Number(cells[SETTLED]) ? actualOf(ordinal) : RESERVED
        charged[ordinal % 2] = (charged[ordinal % 2] ?? 0) + amount
      }
      for (const [position, { index, limit }] of CHARGES.entries()) {
        const { used, reserved, overshoot } = read(cells, index, 0)
        assert.equal(reserved, 0, `kill ${kill}`)
        assert.equal(used + overshoot, charged[position], `kill ${kill}`)
        assert.ok(used <= limit)
      }
    }
    assert.ok(Math.min(...charged) > 0)
    assert.ok(needed.size > 0, 'every thread happened to be stopped where there was nothing to mend')
  })
} else {
  work(new BigInt64Array(workerData as SharedArrayBuffer)) // made by the test above
}
