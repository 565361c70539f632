import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { violations } from '../harness/checker.ts'
import { eventually } from '../harness/eventually.ts'
import type { JsonObject } from '../harness/json.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { findSamples } from '../harness/metrics.ts'
import { House, shareHouse } from './house.ts'

const TIMEOUT_MS = 900
const target = (model: string): JsonObject => ({ provider: 'wall', model, prices: { input: 1, output: 2 } })
const shadowed = (shadow: string, more: JsonObject = {}): JsonObject => ({
  targets: [target('ok')],
  shadow: { target: target(shadow), share: '100%', timeout: `${TIMEOUT_MS}ms`, ...more },
})
const MODELS: JsonObject = {
  ok: { targets: [target('ok')] },
  copied: shadowed('ok-5'),
  hanging: shadowed('hang-head'),
  broken: shadowed('status-500'),
  reset: shadowed('reset-mid-stream'),
  crowded: shadowed('hang-body', { max_concurrent: 3, timeout: '2s' }),
  paid: shadowed('ok-6', { charge: 'key' }),
  seldom: shadowed('ok-7', { share: 0.25 }),
  long: { targets: [target('barrier')], shadow: { target: target('slow-300'), share: 1 } },
}

const built = shareHouse(
  {
    key: { budgets: [{ tokens: 1_000_000_000, per: 'month' }] },
    more: { models: MODELS, workers: 2, routing: { breaker: { consecutive_failures: 0, failure_share: 0 } } },
  },
  async ({ client }) => await client.chat(),
)

interface Copy {
  readonly outcome: string
  readonly key_id: string | null
  readonly client_request_id: string | null
  readonly variant: string | null
  readonly cost_nanos: number | null
  readonly usage_source: string
}

/** The record of a request's copy. */
function copyOf(nonce: string): Promise<Copy> {
  return eventually(
    () => {
      const database = new DatabaseSync(built().gateway.databasePath, { readOnly: true, timeout: 5_000 })
      try {
        const of = `trace_id = (SELECT trace_id FROM requests WHERE client_request_id = ?)`
        const row = database
          .prepare(`SELECT * FROM requests WHERE ${of} AND route = 'chat.completions.shadow'`)
          .get(nonce)
        return row === undefined ? null : (row as unknown as Copy) // the columns of the view
      } finally {
        database.close()
      }
    },
    { what: `the record of the copy of ${nonce}` },
  )
}

async function used(): Promise<number> {
  return findSamples(await built().gateway.metrics(), 'ferro_budget_used', { unit: 'tokens' })[0]?.value ?? Number.NaN
}

for (const stream of [false, true]) {
  const how = stream ? 'streamed' : 'whole'
  test(`a request is copied (${how}): the client sees nothing, and the copy has a record and a price of its own`, async () => {
    const nonce = `copied-${how}`
    const result = await built().client.chat({ model: 'copied', nonce, stream })
    assert.equal(result.headers['x-ferro-model'], 'wall/ok')
    assert.equal(result.headers['x-ferro-attempts'], undefined)
    assert.equal(result.headers['x-ferro-variant'], undefined)
    const { outcome, key_id, client_request_id, variant, cost_nanos, usage_source } = await copyOf(nonce)
    assert.deepEqual(
      { outcome, key_id, client_request_id, variant, usage_source },
      { outcome: 'success', key_id: null, client_request_id: null, variant: 'shadow', usage_source: 'reported' },
    )
    assert.ok((cost_nanos ?? 0) > 0)
    const bodies = built()
      .wall.byNonce(nonce)
      .map(({ json }) => json?.messages)
    assert.equal(bodies.length, 2)
    assert.deepEqual(bodies[0], bodies[1])
  })
}

test('a client of another dialect is copied in the words of the target', async () => {
  const seen = built().wall.requests.length
  const response = await fetch(`${built().gateway.url}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': built().key.secret },
    body: JSON.stringify({ model: 'copied', max_tokens: 9, messages: [{ role: 'user', content: 'Hello' }] }),
  })
  assert.equal(response.status, 200, await response.text())
  const models = await eventually(() => {
    const made = built().wall.requests.slice(seen)
    return made.length === 2 ? made.map(({ model, refused }) => [model, refused]) : null
  })
  assert.deepEqual(models.sort(), [
    ['ok', null],
    ['ok-5', null],
  ])
})

for (const [model, outcome] of [
  ['hanging', 'timeout'],
  ['broken', 'upstream_error'],
  ['reset', 'upstream_error'],
] as const) {
  test(`a copy that goes wrong (${model}) touches no answer`, async () => {
    const nonce = `wrong-${model}`
    const begun = performance.now()
    const result = await built().client.chat({ model, nonce, stream: true })
    const tookMs = performance.now() - begun
    assert.equal(result.status, 200, result.text)
    assert.equal(result.events.at(-1), '[DONE]')
    assert.ok(tookMs < TIMEOUT_MS, `${Math.round(tookMs)} ms`)
    assert.equal((await copyOf(nonce)).outcome, outcome)
  })
}

test('more copies than may be on their way are dropped, over all workers, and counted', async () => {
  const { client, wall, gateway } = built()
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      client.chat({ model: 'crowded', nonce: `crowd-${n}`, headers: { connection: 'close' } }),
    ),
  )
  assert.ok(results.every(({ status }) => status === 200))
  const copies = wall.requests.filter((request) => request.model === 'hang-body').length
  // Two workers that ask for the last place at one moment may both go without.
  assert.ok(copies >= 2 && copies <= 3, `${copies} copies`)
  const counted = findSamples(await gateway.metrics(), 'ferro_shadows_total', { model: 'crowded' })
  const of = (result: string) => counted.find(({ labels }) => labels.result === result)?.value
  assert.deepEqual([of('sent'), of('dropped')], [copies, 20 - copies])
  // They end by their own deadline, and others may follow.
  await eventually(
    () => wall.requests.filter(({ model, closedAt }) => model === 'hang-body' && closedAt === null).length === 0,
  )
  await eventually(async () => {
    const before = wall.requests.length
    await client.chat({ model: 'crowded', nonce: `again-${before}` })
    return wall.byNonce(`again-${before}`).length === 2
  })
})

test('a client that leaves takes its copy not with it', async () => {
  const nonce = 'left'
  const call = built().client.start({ model: 'long', nonce })
  await built().wall.waitForRequests(2, { nonce })
  call.leave()
  await call.result
  assert.equal((await copyOf(nonce)).outcome, 'success')
})

test('a copy is charged to the key only where that is said', async () => {
  await eventually(async () => findSamples(await built().gateway.metrics(), 'ferro_budget_reserved')[0]?.value === 0)
  const costs: number[] = []
  for (const model of ['ok', 'copied', 'paid']) {
    const before = await used()
    const nonce = `charged-${model}`
    await built().client.chat({ model, nonce, body: { max_tokens: 3 } })
    if (model !== 'ok') await copyOf(nonce)
    await eventually(async () => findSamples(await built().gateway.metrics(), 'ferro_budget_reserved')[0]?.value === 0)
    costs.push((await used()) - before)
  }
  const [plain = 0, copied = 0, paid = 0] = costs
  assert.equal(copied, plain)
  assert.ok(paid >= 2 * plain - 2, `${paid} for two, ${plain} for one`)
  assert.equal((await copyOf('charged-paid')).key_id, built().key.id)
})

test('metrics tell copies apart from requests', async () => {
  const samples = findSamples(await built().gateway.metrics(), 'ferro_requests_total', { model: 'broken/shadow' })
  assert.deepEqual(
    samples.map(({ labels, value }) => [labels.route, labels.variant, labels.status, value]),
    [['chat.completions.shadow', 'shadow', '502', 1]],
  )
  const own = findSamples(await built().gateway.metrics(), 'ferro_requests_total', { model: 'broken' })
  assert.deepEqual(
    own.map(({ labels, value }) => [labels.route, labels.status, value]),
    [['chat.completions', '200', 1]],
  )
})

test('a share of the requests is copied', async () => {
  const seen = built().wall.requests.filter(({ model }) => model === 'ok-7').length
  for (let n = 0; n < 10; n++) {
    await Promise.all(Array.from({ length: 10 }, () => built().client.chat({ model: 'seldom' })))
  }
  const copies = built().wall.requests.filter(({ model }) => model === 'ok-7').length - seen
  assert.ok(copies >= 8 && copies <= 45, `${copies} of 100`)
})

test('after all of that the books balance', async () => {
  await eventually(() =>
    built().wall.requests.every(({ closedAt, finishedAt }) => closedAt !== null || finishedAt !== null),
  )
  assert.deepEqual(await violations(built().evidence), [])
  await built().assertUnharmed()
})

test('a drain waits for no copy longer than its grace', async () => {
  const other = await House.build({
    more: {
      models: { hanging: shadowed('hang-head', { timeout: '60s' }) },
      drain: { lag: '0s', grace: '700ms' },
    },
  })
  try {
    await other.client.chat({ model: 'hanging', nonce: 'last' })
    await other.wall.waitForRequests(2, { nonce: 'last' })
    const begun = performance.now()
    other.gateway.signal('SIGTERM')
    await other.gateway.exited
    assert.ok(performance.now() - begun < 4_000)
    const { requests } = readLedger(other.gateway.databasePath)
    assert.deepEqual(requests.map(({ route, outcome }) => [route, outcome]).sort(), [
      ['chat.completions', 'success'],
      ['chat.completions.shadow', 'drained'],
    ])
  } finally {
    await other.close()
  }
})
