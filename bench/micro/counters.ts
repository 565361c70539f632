/** `node bench/micro/counters.ts`: what admission costs in shared memory: rate limit, budget, intents, ids. */
import {
  BUDGET_CELLS,
  Intents,
  intentRegionCells,
  rateLimit,
  reserve,
  reserveAll,
  settle,
} from '../../src/governance/index.ts'
import { createCounters, monotonicUs, RequestIds } from '../../src/lib/index.ts'
import { measure } from './measure.ts'

const CALLS = 100_000
const CAPACITY = 256
const PERIOD = 682
const LIMIT = 1e12
const NANOS = 2_500_000
const cells = new BigInt64Array(createCounters(64))
const intents = new Intents(new Float64Array(createCounters(intentRegionCells(CAPACITY))), CAPACITY)
const ids = new RequestIds()
const charges = [0, 1].map((budget) => ({
  index: 8 + budget * BUDGET_CELLS,
  period: PERIOD,
  amount: NANOS,
  limit: LIMIT,
}))

measure('rate limit: take', CALLS, () => rateLimit.take(cells, 0, monotonicUs(), 1, 1_000_000))
measure('budget: reserve and settle', CALLS, () => {
  reserve(cells, 8, PERIOD, NANOS, LIMIT)
  settle(cells, 8, PERIOD, NANOS, 0, LIMIT)
})
measure('budget: reserve and settle with intents', CALLS, () => {
  intents.add(8, PERIOD, NANOS)
  reserve(cells, 8, PERIOD, NANOS, LIMIT, intents)
  intents.clear()
  settle(cells, 8, PERIOD, NANOS, 0, LIMIT, intents)
})
measure('two budgets: reserve and settle with intents', CALLS, () => {
  reserveAll(cells, charges, intents)
  intents.clear()
  for (const { index, period, amount, limit } of charges) settle(cells, index, period, amount, 0, limit, intents)
})
measure('request id', CALLS, () => ids.next())
measure('monotonic clock', CALLS, () => monotonicUs())
