import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Exchange, WAIT } from '../../core/index.ts'
import { createCounters } from '../../lib/index.ts'
import { BUDGET_CELLS } from '../budget-cells.ts'
import type { Refusal, Takings } from '../counter-desk.ts'
import { Intents, intentRegionCells } from '../intents.ts'
import { LeaseDesk } from './lease-desk.ts'
import { LeasedCounters } from './leased-counters.ts'

const [OPEN, UNTIL] = [0, 1]
const CAPACITY = 16

test('B12 a request that is lent something again and again, and always finds it gone, waits no longer than once', async () => {
  const cells = new BigInt64Array(createCounters(64))
  const state = new Int32Array(2)
  const desk = new LeaseDesk({ cells: state, open: OPEN, untilMs: UNTIL }, () => performance.now())
  state[OPEN] = 1
  state[UNTIL] = Math.floor(performance.now() + 60_000) | 0
  let asked = 0
  let hear: Parameters<Parameters<LeaseDesk['connect']>[0]['on']>[1] = () => undefined
  desk.connect({
    postMessage: ({ call }) => {
      // The last time it takes too long.
      if (++asked < 4) setTimeout(() => hear({ call, answer: { type: 'lent' } }), 100)
    },
    on: (_event, listener) => {
      hear = listener
    },
  })
  const intents = new Intents(new Float64Array(intentRegionCells(CAPACITY)), CAPACITY)
  const counters = new LeasedCounters(cells, { seat: 0, intents, desk })
  const budget = {
    level: 'key:a',
    counter: 'a',
    slot: 0,
    unit: 'tokens',
    per: 'total',
    timeZone: 'UTC',
    limit: 10,
  } as const
  const takings: Takings = {
    rates: null,
    concurrency: null,
    tokenRates: null,
    tokens: 1,
    nanos: 0,
    owed: false,
    budgets: [{ ...budget, lease: { at: BUDGET_CELLS, name: 'a' } }],
    periods: [0],
  }
  const { promise, resolve } = Promise.withResolvers<Refusal | null>()
  const beganMs = performance.now()
  // All that is asked of a request is whether it has ended.
  const x = { settled: false } as Exchange
  assert.equal(
    counters.take(x, takings, (_x, _takings, refusal) => resolve(refusal)),
    WAIT,
  )
  assert.equal((await promise)?.error.code, 'governance_backend_unavailable')
  const tookMs = performance.now() - beganMs
  assert.ok(asked === 4 && tookMs < 700, `${asked} times, ${tookMs} ms`)
})
