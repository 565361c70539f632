import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChargeList, Charging, chargesJson } from './charging.ts'
import type { Takings } from './counter-desk.ts'
import type { BudgetDocument } from './level-document.ts'

const DAY_MS = 86_400_000
/** 2026-01-31, noon in UTC. */
const NOON = Date.UTC(2026, 0, 31, 12)

function budget(
  counter: string,
  unit: 'tokens' | 'nanos',
  per: BudgetDocument['per'],
  timeZone = 'UTC',
): BudgetDocument {
  return { level: 'key:k', counter, slot: 8, unit, per, timeZone, limit: 1_000 }
}

const BUDGETS = [
  budget('day', 'tokens', 'day'),
  budget('month', 'nanos', 'month'),
  budget('all', 'tokens', 'total'),
  budget('far', 'nanos', 'day', 'Pacific/Kiritimati'),
]
const day = NOON / DAY_MS - 0.5

test('periods stay until the first of them ends, each in its own time zone', () => {
  const charging = new Charging(BUDGETS)
  const first = charging.at(NOON)
  assert.deepEqual(first.periods, [day, 0, 672, day + 1])
  assert.equal(charging.at(NOON - 1), first)
  // There, the day began two hours before.
  assert.equal(first.startMs, NOON - 2 * 3_600_000)
  assert.equal(charging.at(NOON + DAY_MS / 2 - 1), first)
  assert.deepEqual(charging.at(NOON + DAY_MS / 2).periods, [day + 1, 0, 673, day + 1])
})

test('a clock that is set back finds the periods of then', () => {
  const charging = new Charging(BUDGETS)
  charging.at(NOON)
  assert.deepEqual(charging.at(NOON - 40 * DAY_MS).periods, [day - 40, 0, 671, day - 39])
})

test('the journal gets each budget with its period and the amount in its unit', () => {
  assert.deepEqual(JSON.parse(chargesJson(new Charging(BUDGETS).at(NOON), 7, 1_500)), [
    ['day', day, 7],
    ['all', 0, 7],
    ['month', 672, 1_500],
    ['far', day + 1, 1_500],
  ])
  const charges = (budgets: readonly BudgetDocument[]) => chargesJson(new Charging(budgets).at(NOON), 7, 1_500)
  assert.equal(charges([]), '[]')
  assert.equal(charges(BUDGETS.slice(0, 1)), `[["day",${day},7]]`)
  assert.equal(charges(BUDGETS.slice(1, 2)), '[["month",672,1500]]')
})

test('charges are those of the last request that was asked for; what is owed has no limit', () => {
  const { budgets, periods } = new Charging(BUDGETS).at(NOON)
  const all: Takings = {
    ...{ rates: null, concurrency: null, tokenRates: null, tokens: 7, nanos: 1_500, owed: false },
    budgets,
    periods,
  }
  const list = new ChargeList()
  assert.deepEqual(
    list.of(all).map(({ amount, limit }) => [amount, limit]),
    [7, 7, 1_500, 1_500].map((amount) => [amount, 1_000]),
  )
  assert.deepEqual(
    list.of({ ...all, budgets: budgets.slice(0, 1), tokens: 9 }, () => 20),
    [{ index: 8, period: day, amount: 9, limit: 20 }],
  )
  assert.equal(list.of({ ...all, owed: true })[3]?.limit, Number.MAX_SAFE_INTEGER)
})
