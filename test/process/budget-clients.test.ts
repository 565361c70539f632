import assert from 'node:assert/strict'
import { test } from 'node:test'
import { House, scaled, scaledTime } from '../e2e/house.ts'
import { violations } from '../harness/checker.ts'
import { eventually } from '../harness/eventually.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { BIG_BUDGET, type BudgetState, budgetOf } from './budget-metrics.ts'

const PROMPT = 'one two three'
const PROMPT_TOKENS = 3

/** A request of always the same length, so that each reserves the same. */
const request = (model: string, index: number) => ({
  model,
  content: PROMPT,
  nonce: `n-${String(index).padStart(6, '0')}`,
  body: { max_tokens: 8 },
})

/** What one request to a model with a name as long as `over-100` reserves. */
async function reservationOf(): Promise<number> {
  const house = await House.build({ models: ['hang-body'], key: BIG_BUDGET })
  try {
    // One character more in the model, one less in the nonce; without an end until the client leaves.
    const call = house.client.start({ ...request('hang-body', 0), nonce: 'n-00000' })
    await house.wall.waitForRequests(1)
    const { reserved } = await budgetOf(house.gateway)
    call.leave()
    await call.result
    return reserved
  } finally {
    await house.close()
  }
}

/** Samples the budget as fast as the control listener answers, until stopped. */
function watch(house: House): { readonly samples: BudgetState[]; stop(): Promise<void> } {
  const samples: BudgetState[] = []
  let running = true
  const loop = (async () => {
    while (running) samples.push(await budgetOf(house.gateway))
  })()
  return {
    samples,
    stop: async () => {
      running = false
      await loop
    },
  }
}

for (const workers of [1, 4]) {
  test(`a budget of ten requests that use what they reserve serves ten of many, with ${workers} worker(s)`, {
    timeout: scaledTime(60_000),
  }, async (t) => {
    const reservation = await reservationOf()
    // The upstream ignores the cap and uses exactly what was reserved.
    const model = `over-${reservation - PROMPT_TOKENS}`
    assert.equal(model.length, 'over-100'.length, 'the model is part of what is reserved')
    const limit = 10 * reservation
    const key = { budgets: [{ tokens: limit, per: 'month' }] }
    const house = await House.build({ models: [model], key, more: { workers } })
    t.after(() => house.close())
    const watching = watch(house)
    const count = scaled(120)
    const calls = Array.from({ length: count }, (_unused, index) => house.client.start(request(model, index)))
    const statuses = Map.groupBy(await Promise.all(calls.map((call) => call.result)), (result) => result.status)
    await watching.stop()
    assert.deepEqual([...statuses.keys()].toSorted(), [200, 402])
    assert.equal(statuses.get(200)?.length, 10)
    assert.equal(house.wall.requests.length, 10)
    assert.ok(watching.samples.length > 0)
    for (const sample of watching.samples) assert.ok(sample.used <= limit, JSON.stringify(sample))
    assert.deepEqual(await violations(house.evidence), [])
    assert.deepEqual(await budgetOf(house.gateway), { used: limit, reserved: 0, limit })
    const { ledger } = readLedger(house.gateway.databasePath)
    for (const row of ledger) assert.equal(row.tokens, reservation, `${row.phase} of ${row.requestId}`)
  })

  test(`what requests do not use comes back at once and no reader sees too much, with ${workers} worker(s)`, {
    timeout: scaledTime(60_000),
  }, async (t) => {
    const limit = 3_000
    const key = { budgets: [{ tokens: limit, per: 'month' }] }
    const models = ['ok', 'slow-5', 'ok-2']
    const house = await House.build({ models, key, more: { workers } })
    t.after(() => house.close())
    const watching = watch(house)
    const client = async (number: number) => {
      for (let index = 0; index < scaled(40); index++) {
        const model = models[(number + index) % models.length] ?? 'ok'
        const { status } = await house.client.chat({ model, body: { max_tokens: 8 }, stream: index % 2 === 0 })
        assert.ok(status === 200 || status === 402, `status ${status}`)
      }
    }
    await Promise.all(Array.from({ length: 12 }, (_unused, number) => client(number)))
    // With nobody else in flight, everything that was given back can be used.
    await eventually(async () => (await budgetOf(house.gateway)).reserved === 0)
    const last = async () => await house.client.chat({ body: { max_tokens: 8 } })
    let result = await last()
    for (let index = 0; result.status === 200 && index < 400; index++) {
      await eventually(async () => (await budgetOf(house.gateway)).reserved === 0)
      result = await last()
    }
    await watching.stop()
    assert.equal(result.status, 402)
    const worst = Math.max(...watching.samples.map((sample) => sample.used))
    assert.ok(worst <= limit, `a reader saw ${worst} of ${limit}`)
    assert.ok(watching.samples.length > 20, `${watching.samples.length} samples`)
    const { used } = await budgetOf(house.gateway)
    assert.ok(used > limit - 200, `only ${used} of ${limit} could be used, a request reserves less than 200`)
    assert.deepEqual(await violations(house.evidence), [])
  })
}
