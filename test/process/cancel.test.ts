import assert from 'node:assert/strict'
import { test } from 'node:test'
import { House, openDescriptors, scaled, scaledTime } from '../e2e/house.ts'
import { violations } from '../harness/checker.ts'
import { eventually } from '../harness/eventually.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { findSamples } from '../harness/metrics.ts'
import { RawClient } from '../harness/raw-client.ts'
import { BIG_BUDGET, budgetOf } from './budget-metrics.ts'

const MODELS = ['ok', 'barrier', 'barrier-mid', 'hang-body', 'slow-5', 'slow-300']
const CONTENT = 'one two three four five'
const CONTENT_TOKENS = 5

/** When the client leaves: the model that holds the answer there, and how many events have arrived. */
const MOMENTS = [
  { name: 'before the head of an answer', model: 'barrier', stream: false, events: 0 },
  { name: 'before the head of a stream', model: 'barrier', stream: true, events: 0 },
  { name: 'at the first event', model: 'slow-300', stream: true, events: 1 },
  { name: 'in the middle of a stream', model: 'barrier-mid', stream: true, events: 3 },
  { name: 'in the middle of a body', model: 'hang-body', stream: false, events: 0 },
] as const

const eventsIn = (client: RawClient) => client.received.toString().split('data: ').length - 1

test('a client that leaves with FIN or RST ends the upstream within 250 ms and is recorded once', {
  timeout: scaledTime(120_000),
}, async (t) => {
  const house = await House.build({ models: MODELS, key: BIG_BUDGET })
  t.after(() => house.close())
  const { gateway, wall } = house
  const delays: number[] = []
  const left = new Map<string, number>()
  for (let round = 0; round < scaled(10); round++) {
    for (const kind of ['fin', 'rst'] as const) {
      for (const { name, model, stream, events } of MOMENTS) {
        const nonce = `${kind}-${round}-${left.size}`
        const client = await RawClient.connect(gateway.url)
        const body = { model, stream, user: nonce, messages: [{ role: 'user', content: CONTENT }] }
        await client.send(house.chatBytes(body, { head: [`x-request-id: ${nonce}`] }))
        const [request] = await wall.waitForRequests(1, { nonce })
        if (name === 'in the middle of a body') await eventually(() => request?.firstByteAt != null, { everyMs: 1 })
        else await eventually(() => eventsIn(client) >= events, { everyMs: 1, what: `event ${events} (${name})` })
        const since = performance.now()
        if (kind === 'fin') client.finish()
        else client.abort()
        await eventually(() => request?.closedAt != null, { everyMs: 1, what: `the end upstream, left ${name}` })
        delays.push((request?.closedAt ?? 0) - since)
        // The first event of a stream carries no text.
        left.set(nonce, Math.max(0, eventsIn(client) - 1))
        client.close()
      }
    }
  }
  const sorted = delays.toSorted((a, b) => a - b)
  const p99 = sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN
  t.diagnostic(`upstream closed after: p50 ${sorted[sorted.length >> 1]} ms, p99 ${p99} ms of ${sorted.length}`)
  assert.ok(p99 <= 250, `p99 of ${sorted.length} is ${p99} ms`)
  assert.deepEqual(await violations(house.evidence), [])
  const { requests } = readLedger(gateway.databasePath)
  for (const [nonce, delivered] of left) {
    const rows = requests.filter((row) => row.clientRequestId === nonce)
    assert.equal(rows.length, 1, nonce)
    const [row] = rows
    assert.deepEqual([row?.outcome, row?.cancelled, row?.usageSource], ['cancelled', true, 'estimated'], nonce)
    assert.ok((row?.inputTokens ?? 0) >= CONTENT_TOKENS, `${nonce}: ${row?.inputTokens} input tokens`)
    assert.ok((row?.outputTokens ?? 0) >= delivered, `${nonce}: ${row?.outputTokens} of ${delivered} delivered`)
  }
})

test('a client that leaves at the very end is recorded once, as a success or as cancelled', {
  timeout: scaledTime(60_000),
}, async (t) => {
  const house = await House.build({ models: MODELS, key: BIG_BUDGET })
  t.after(() => house.close())
  for (let round = 0; round < scaled(40); round++) {
    const stream = round % 2 === 0
    const call = house.client.start({ model: 'ok', stream })
    const last = stream ? '[DONE]' : '"usage"'
    await eventually(() => call.received().includes(last), { everyMs: 0 })
    call.leave(round % 4 < 2 ? 'rst' : 'fin')
    await call.result
  }
  assert.deepEqual(await violations(house.evidence), [])
  const { requests } = readLedger(house.gateway.databasePath)
  assert.equal(requests.length, house.wall.requests.length)
  for (const row of requests) assert.ok(['success', 'cancelled'].includes(row.outcome), row.outcome)
  assert.equal((await budgetOf(house.gateway)).reserved, 0)
})

test('after hundreds of clients that left nothing is held: no slot, no reservation, no descriptor', {
  timeout: scaledTime(120_000),
}, async (t) => {
  const house = await House.build({ models: MODELS, key: BIG_BUDGET, more: { workers: 2 } })
  t.after(() => house.close())
  const { client, gateway, wall } = house
  await client.chat()
  await client.chat({ stream: true })
  const descriptors = openDescriptors(gateway.pid)
  const models = ['barrier', 'barrier-mid', 'slow-5', 'hang-body'] as const
  const cycles = scaled(500)
  let next = 0
  const loop = async () => {
    for (let cycle = next++; cycle < cycles; cycle = next++) {
      const call = client.start({ model: models[cycle % models.length] ?? 'barrier', stream: cycle % 3 !== 0 })
      // From at once (no byte was sent) to the middle of the answer.
      const patience = performance.now() + Math.random() * 15
      await eventually(() => performance.now() >= patience, { everyMs: 1 })
      call.leave(cycle % 2 === 0 ? 'rst' : 'fin')
      await call.result
    }
  }
  await Promise.all(Array.from({ length: 10 }, loop))
  const inFlight = async () => {
    const samples = findSamples(await gateway.metrics(), 'ferro_requests_in_flight')
    assert.ok(samples.length > 0)
    return samples.reduce((sum, sample) => sum + sample.value, 0)
  }
  await eventually(async () => (await inFlight()) === 0, { what: 'nothing to be in flight' })
  assert.deepEqual(await violations(house.evidence), [])
  assert.equal((await budgetOf(gateway)).reserved, 0)
  assert.ok(wall.requests.length > cycles / 4, `${wall.requests.length} of ${cycles} reached the upstream`)
  client.close()
  await wall.close()
  await eventually(() => openDescriptors(gateway.pid) <= descriptors, { what: 'the descriptors to be given back' })
})
