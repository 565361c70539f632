import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentFrom } from '../../config/index.ts'
import { RetryBudget } from '../balance/retry-budget.ts'
import { cellsFor } from '../balance/testing/pool.ts'
import { budgetRules } from './proxy-handler.ts'

/** How many retries a route may make at once after so many requests. */
async function retriesAtOnce(retry: Readonly<Record<string, number>>, requests: number): Promise<number> {
  const { routes } = await documentFrom({
    upstreams: { app: { targets: ['http://127.0.0.1:1'] } },
    routes: [{ id: 'app', upstream: 'app', retry }],
  })
  const rules = routes[0]?.retry ?? assert.fail('there is no route')
  const budget = new RetryBudget(cellsFor(8), 2, budgetRules(rules))
  for (let n = 0; n < requests; n++) budget.deposit()
  let taken = 0
  while (budget.take(1_000_000)) taken++
  return taken
}

test('a server that dies with hundreds of requests in flight does not use up what the route may repeat', async () => {
  assert.equal(await retriesAtOnce({ budget_share: 1 }, 400), 400)
  assert.equal(await retriesAtOnce({ budget_share: 1, budget_burst: 50 }, 400), 50)
})

test('what a second gives can be had at once', async () => {
  assert.equal(await retriesAtOnce({ budget_per_second: 5_000, budget_share: 0 }, 1), 5_000)
})
