import assert from 'node:assert/strict'
import { test } from 'node:test'
import { violations } from '../harness/checker.ts'
import { eventually } from '../harness/eventually.ts'
import type { JsonObject } from '../harness/json.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { findSamples } from '../harness/metrics.ts'
import type { WallRequest } from '../harness/wall/wall.ts'
import { House, shareHouse } from './house.ts'

const AFTER_MS = 120
/** So soon must the loser's connection end. */
const CUT_MS = 250

const target = (model: string, more: JsonObject = {}): JsonObject => ({
  provider: 'wall',
  model,
  prices: { input: 1, output: 2 },
  ...more,
})
const hedged = (first: string, second: string, more: JsonObject = {}): JsonObject => ({
  targets: [target(first), target(second)],
  hedge: { after: `${AFTER_MS}ms` },
  ...more,
})

const MODELS: JsonObject = {
  hung: hedged('hang-head', 'ok'),
  silent: hedged('slow-first-token', 'ok'),
  stuck: hedged('hang-body', 'ok'),
  tardy: hedged('slow-400', 'hang-head'),
  unlucky: hedged('slow-400', 'status-500'),
  unable: hedged('slow-400', 'reset-before'),
  relieved: {
    ...hedged('hang-head', 'slow-400'),
    targets: [target('hang-head', { timeouts: { first_byte: '250ms' } }), target('slow-400')],
  },
  both: hedged('hang-head', 'hang-body'),
  single: hedged('slow-400', 'ok', { retry: { attempts: 1 } }),
  measured: { ...hedged('barrier', 'ok'), hedge: { after: 'p90' } },
  stalling: { ...hedged('barrier', 'slow-400'), hedge: { after: 'p90' } },
}

const built = shareHouse({
  key: { budgets: [{ tokens: 1_000_000_000, per: 'month' }] },
  more: {
    models: MODELS,
    workers: 2,
    routing: { retry: { budget_per_second: 1_000 }, breaker: { consecutive_failures: 0, failure_share: 0 } },
  },
})

/** What came of each attempt, as the record tells it: class, and `hedge` for the second. */
async function told(nonce: string): Promise<string[]> {
  const find = () =>
    readLedger(built().gateway.databasePath).requests.find((request) => request.clientRequestId === nonce)
  const { attemptHistory } = await eventually(() => find() ?? null, { what: `the record of ${nonce}` })
  return (attemptHistory ?? '').split(', ').map((past) => {
    const [, name = '', hedge = ''] = /=(\w+)\([^)]*?(,hedge)?\)$/.exec(past) ?? []
    return name + hedge
  })
}

/** The requests that one of a client's made. */
function seen(nonce: string, model: string): WallRequest {
  const found = built()
    .wall.byNonce(nonce)
    .find((request) => request.model === model)
  assert.ok(found, `${nonce} did not come to ${model}`)
  return found
}

/** The answer of the winner begins, and the loser's connection ends. */
async function assertCut(nonce: string, loser: string, winner: string): Promise<void> {
  const cut = await eventually(() => seen(nonce, loser).closedAt, { what: 'the loser to be cut' })
  const answeredAt = seen(nonce, winner).firstByteAt ?? Number.NaN
  assert.ok(cut - answeredAt < CUT_MS, `cut ${Math.round(cut - answeredAt)} ms after the answer`)
  assert.equal(seen(nonce, loser).cutBy, 'gateway')
}

for (const [model, loser, stream] of [
  ['hung', 'hang-head', false],
  ['hung', 'hang-head', true],
  ['silent', 'slow-first-token', true],
  ['stuck', 'hang-body', false],
] as const) {
  const how = stream ? 'streamed' : 'whole'
  test(`a first target that is slow (${loser}, ${how}) is overtaken by the second, and cut at once`, async () => {
    const nonce = `won-${model}-${how}`
    const begun = performance.now()
    const result = await built().client.chat({ model, stream, nonce })
    assert.equal(result.status, 200, result.text)
    assert.ok(performance.now() - begun >= AFTER_MS - 1)
    assert.ok(result.text.includes(nonce), 'the answer is another request’s')
    if (stream) assert.equal(result.events.at(-1), '[DONE]')
    assert.equal(result.headers['x-ferro-model'], 'wall/ok')
    assert.equal(result.headers['x-ferro-attempts'], '2')
    await assertCut(nonce, loser, 'ok')
    assert.deepEqual(await told(nonce), ['cancelled', 'ok,hedge'])
  })
}

test('a second target that is slower still is cut when the first answers', async () => {
  const nonce = 'lost'
  const result = await built().client.chat({ model: 'tardy', nonce })
  assert.equal(result.headers['x-ferro-model'], 'wall/slow-400')
  await assertCut(nonce, 'hang-head', 'slow-400')
  assert.deepEqual(await told(nonce), ['cancelled,hedge', 'ok'])
})

for (const model of ['unlucky', 'unable']) {
  test(`a second target that fails (${model}) does the first no harm`, async () => {
    const nonce = `failed-${model}`
    const result = await built().client.chat({ model, nonce, stream: model === 'unable' })
    assert.equal(result.status, 200, result.text)
    assert.equal(result.headers['x-ferro-model'], 'wall/slow-400')
    assert.deepEqual(await told(nonce), ['transient,hedge', 'ok'])
    assert.equal(built().wall.byNonce(nonce).length, 2)
  })
}

test('when the first fails while the second is under way, that goes on in its place', async () => {
  const nonce = 'relieved'
  const result = await built().client.chat({ model: 'relieved', nonce })
  assert.equal(result.headers['x-ferro-model'], 'wall/slow-400')
  assert.deepEqual(await told(nonce), ['dead', 'ok,hedge'])
  assert.equal(built().wall.byNonce(nonce).length, 2)
})

test('a model that allows one attempt is not asked twice', async () => {
  const result = await built().client.chat({ model: 'single', nonce: 'single' })
  assert.equal(result.headers['x-ferro-model'], 'wall/slow-400')
  assert.equal(built().wall.byNonce('single').length, 1)
})

test('a percentile counts from twenty answers on', async () => {
  const { wall, client } = built()
  for (let n = 0; n < 20; n++) {
    const call = client.start({ model: 'measured', nonce: `measured-${n}` })
    await wall.waitForRequests(1, { nonce: `measured-${n}` })
    wall.release()
    const result = await call.result
    assert.equal(result.headers['x-ferro-model'], 'wall/barrier')
  }
  const result = await client.chat({ model: 'measured', nonce: 'measured-late' })
  assert.equal(result.headers['x-ferro-model'], 'wall/ok')
  // Streams have a window of their own, in which nothing is known yet.
  const call = client.start({ model: 'measured', nonce: 'measured-stream', stream: true })
  await wall.waitForRequests(1, { nonce: 'measured-stream' })
  wall.release()
  assert.equal((await call.result).headers['x-ferro-model'], 'wall/barrier')
})

test('a first target that hangs does not make the wait for the second longer with each request', async () => {
  const { wall, client } = built()
  for (let n = 0; n < 20; n++) {
    const call = client.start({ model: 'stalling', nonce: `quick-${n}` })
    await wall.waitForRequests(1, { nonce: `quick-${n}` })
    wall.release()
    await call.result
  }
  const begun = performance.now()
  for (let n = 0; n < 12; n++) {
    const result = await client.chat({ model: 'stalling', nonce: `stalls-${n}` })
    assert.equal(result.headers['x-ferro-model'], 'wall/slow-400')
  }
  const ms = performance.now() - begun
  assert.ok(ms < 12 * 800, `${Math.round(ms)} ms for twelve answers of 400 ms`)
})

test('a client that leaves ends both', async () => {
  const nonce = 'left'
  const call = built().client.start({ model: 'both', nonce })
  await built().wall.waitForRequests(2, { nonce })
  const leftAt = performance.now()
  call.leave()
  await call.result
  for (const model of ['hang-head', 'hang-body']) {
    const closedAt = await eventually(() => seen(nonce, model).closedAt, { what: `${model} to be cut` })
    assert.ok(closedAt - leftAt < CUT_MS, `${model} was cut after ${Math.round(closedAt - leftAt)} ms`)
  }
  assert.deepEqual(await told(nonce), ['cancelled,hedge', 'cancelled'])
})

test('fifty at once, of which some leave, are charged to the token', async () => {
  const { client, gateway } = built()
  const models = ['hung', 'tardy', 'unlucky', 'relieved', 'both'] as const
  const calls = Array.from({ length: 50 }, (_, n) =>
    client.start({ model: models[n % models.length] ?? 'hung', nonce: `many-${n}`, stream: n % 3 === 0 }),
  )
  await Promise.all(
    calls.map(async (call, n) => {
      const isEndless = models[n % models.length] === 'both'
      if (isEndless || n % 7 === 0) {
        // Some leave before the second begins, some while it is under way.
        await built().wall.waitForRequests(n % 2 === 0 ? 1 : 2, { nonce: `many-${n}` })
        call.leave()
      }
      await call.result
    }),
  )
  assert.deepEqual(await violations(built().evidence), [])
  const hedges = findSamples(await gateway.metrics(), 'ferro_hedges_total')
  for (const result of ['won', 'lost', 'failed']) {
    assert.ok(
      hedges.some(({ labels, value }) => labels.result === result && value > 0),
      `nobody ${result}`,
    )
  }
})

test('the loser is charged what it may have worked on', async () => {
  const { databasePath } = built().gateway
  const { requests, ledger } = readLedger(databasePath)
  const id = requests.find((request) => request.clientRequestId === 'won-hung-whole')?.id
  const settled = ledger.filter((entry) => entry.requestId === id && entry.phase === 'settle')
  assert.deepEqual(settled.map(({ model }) => model).sort(), ['hang-head', 'ok'])
  assert.ok(settled.every(({ tokens, nanos }) => tokens > 0 && nanos > 0))
  await built().assertUnharmed()
})

test('when all targets are slow, a fifth more requests go out at most', async () => {
  const slow = await House.build({
    more: {
      models: { slow: { ...hedged('slow-150', 'slow-151'), hedge: { after: '30ms' } } },
      workers: 2,
      routing: { retry: { budget_share: 0.2, budget_per_second: 0 } },
    },
  })
  try {
    for (let batch = 0; batch < 5; batch++) {
      const results = await Promise.all(Array.from({ length: 20 }, () => slow.client.chat({ model: 'slow' })))
      assert.ok(results.every(({ status }) => status === 200))
    }
    const more = slow.wall.requests.length - 100
    assert.ok(more >= 15 && more <= 20, `${more} more requests than 100`)
    assert.deepEqual(await violations(slow.evidence), [])
  } finally {
    await slow.close()
  }
})
