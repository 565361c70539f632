import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { violations } from '../harness/checker.ts'
import { ChatClient } from '../harness/client.ts'
import { keyPair } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { at, parseJson } from '../harness/json.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { RawClient } from '../harness/raw-client.ts'
import { WALL_KEY, Wall } from '../harness/wall/wall.ts'
import { residentBytes, scaled, scaledTime, socketBuffersMib, useHouse } from './house.ts'

const OTHER = keyPair('other')
const SLOW_BYTES = 64 * 1_024 * 1_024
const house = useHouse({
  otherKeys: [OTHER],
  models: [
    'ok',
    'long-stream-10000',
    'unicode',
    'crlf',
    'one-byte',
    'hang-head',
    'hang-body',
    'barrier',
    'barrier-mid',
    'slow-20',
    `huge-${SLOW_BYTES}`,
  ],
})

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const USAGE = { stream_options: { include_usage: true } }

let other: Wall | null = null
before(async () => {
  other = await Wall.start()
})
after(() => other?.close())

/** The same request sent to an upstream itself, another than the gateway's. */
async function direct(model: string, nonce: string, body: object) {
  const client = new ChatClient(() => `http://127.0.0.1:${other?.port}`, WALL_KEY)
  const result = await client.chat({ model, nonce, stream: true, body: { ...body } })
  client.close()
  return result
}

test('S2 a stream of 10,000 events arrives byte for byte', async () => {
  for (let round = 0; round < scaled(2); round++) {
    const nonce = `s2-${round}`
    const relayed = await house().client.chat({ model: 'long-stream-10000', nonce, stream: true, body: USAGE })
    const plain = await direct('long-stream-10000', `${nonce}`, USAGE)
    assert.equal(relayed.status, 200)
    assert.equal(relayed.events.length, plain.events.length)
    assert.equal(sha256(relayed.text), sha256(plain.text))
  }
})

test('S2 a stream without usage arrives as the upstream would have sent it', async () => {
  const relayed = await house().client.chat({ nonce: 's2-plain', stream: true })
  const plain = await direct('ok', 's2-plain', {})
  // The answer's id is made from the request body, which asks for usage when it comes from the gateway.
  const withoutId = (events: readonly string[]) =>
    events.map((event) => (event === '[DONE]' ? event : { ...Object(parseJson(event)), id: '' }))
  assert.deepEqual(withoutId(relayed.events), withoutId(plain.events))
  assert.ok(!relayed.text.includes('usage'))
})

test('S3 characters split at every byte arrive whole', async () => {
  for (const model of ['unicode', 'one-byte', 'crlf']) {
    const nonce = `s3-${model}`
    const relayed = await house().client.chat({ model, nonce, stream: true, body: USAGE })
    const plain = await direct(model, nonce, USAGE)
    assert.ok(!relayed.text.includes('\ufffd'), model)
    assert.equal(relayed.text, plain.text, model)
  }
  const whole = await house().client.chat({ model: 'unicode' })
  assert.match(whole.text, /👩‍🚀 grüßt 世界/)
})

test('S6 slow readers hold the upstream back, and the memory stays bounded', {
  timeout: scaledTime(60_000),
}, async (t) => {
  const { gateway, wall } = house()
  const model = `huge-${SLOW_BYTES}`
  const count = scaled(40)
  const seen = wall.requests.length
  const before = residentBytes(gateway.pid)
  const clients: RawClient[] = []
  for (let index = 0; index < count; index++) {
    const client = await RawClient.connect(gateway.url)
    await client.send(
      house().chatBytes(
        { model, stream: true, user: `s6-${index}`, messages: [{ role: 'user', content: 'a' }] },
        { head: [`traceparent: 00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`] },
      ),
    )
    await eventually(() => client.receivedBytes > 0)
    client.setReading('paused')
    clients.push(client)
  }
  const sent = () => wall.requests.slice(seen).reduce((sum, request) => sum + request.bytesSent, 0)
  let last = -1
  const unchanged = () => {
    const before = last
    last = sent()
    return last === before
  }
  // Everything is full when nothing more goes out of the wall for a while.
  await eventually(unchanged, { everyMs: 400, deadlineMs: 30_000 })
  const grown = residentBytes(gateway.pid) - before
  const ahead = clients.map((client, index) => (wall.byNonce(`s6-${index}`)[0]?.bytesSent ?? 0) - client.receivedBytes)
  const median = ahead.toSorted((a, b) => a - b)[count >> 1] ?? 0
  const finished = wall.requests.slice(seen).filter((request) => request.finishedAt !== null).length
  for (const client of clients) client.abort()
  t.diagnostic(
    `${count} slow readers of ${SLOW_BYTES} bytes each cost ${grown} bytes of memory; the upstream is ${median} bytes ahead`,
  )
  // What the heap grows by between two collections does not depend on the number of streams.
  assert.ok(
    grown <= count * 256 * 1_024 + (count < 200 ? 64 : 20) * 1_024 * 1_024,
    `${count} slow readers cost ${grown} bytes`,
  )
  // Socket buffers of both connections hold what is ahead of the reader; Linux lets a few of them grow very large.
  assert.ok(
    median < Math.min(24, socketBuffersMib() + 0.75) * 1_024 * 1_024,
    `the upstream is ${median} bytes ahead of its reader`,
  )
  assert.ok(finished <= count / 10, `${finished} of ${count} upstreams were read to their end`)
  await eventually(() => wall.requests.slice(seen).every((request) => request.closedAt !== null), {
    deadlineMs: 30_000,
  })
})

test('S15 of streams at the same time with equal prompts, none has an event of another', async () => {
  const other = house().newClient(OTHER)
  const count = scaled(100)
  const calls = Array.from({ length: count }, (_, at) =>
    (at % 2 === 0 ? house().client : other).chat({
      model: 'slow-20',
      stream: true,
      nonce: `s15-${at}-`,
      content: 'same',
    }),
  )
  const results = await Promise.all(calls)
  other.close()
  for (const [index, { status, text, events }] of results.entries()) {
    assert.equal(status, 200)
    assert.equal(events.at(-1), '[DONE]')
    const nonces = new Set(text.match(/s15-\d+-/g))
    assert.deepEqual([...nonces], [`s15-${index}-`])
    // Every event has the id that the upstream made of this one request.
    const ids = new Set(events.slice(0, -1).map((event) => idOf(event)))
    assert.equal(ids.size, 1)
  }
  const all = results.map(({ events }) => idOf(events[0] ?? ''))
  assert.equal(new Set(all).size, count)
})

const idOf = (event: string) => at(parseJson(event), 'id')

const MOMENTS = [
  { name: 'before the head', model: 'barrier', stream: false, events: 0 },
  { name: 'before the first event', model: 'barrier', stream: true, events: 0 },
  { name: 'in the middle of a stream', model: 'barrier-mid', stream: true, events: 3 },
  { name: 'while the upstream hangs in a stream', model: 'hang-body', stream: true, events: 3 },
  { name: 'while the upstream hangs in a body', model: 'hang-body', stream: false, events: 0 },
] as const

for (const kind of ['rst', 'fin'] as const) {
  test(`S10 S12 a client that leaves with ${kind} ends the upstream within 250 ms and is charged once`, async (t) => {
    const { gateway, wall } = house()
    const delays: number[] = []
    const left: string[] = []
    for (let round = 0; round < scaled(4); round++) {
      for (const { name, model, stream, events } of MOMENTS) {
        const nonce = `s10-${kind}-${round}-${left.length}`
        const client = await RawClient.connect(gateway.url)
        const body = { model, stream, user: nonce, messages: [{ role: 'user', content: 'one two three four five' }] }
        await client.send(house().chatBytes(body, { head: [`x-request-id: ${nonce}`] }))
        const [request] = await wall.waitForRequests(1, { nonce })
        await eventually(() => client.received.toString().split('data: ').length > events)
        const leaving = performance.now()
        if (kind === 'rst') client.abort()
        else client.finish()
        await eventually(() => request?.closedAt != null, { what: `the upstream's end after the client left ${name}` })
        delays.push((request?.closedAt ?? 0) - leaving)
        client.close()
        left.push(nonce)
      }
    }
    const worst = Math.max(...delays)
    t.diagnostic(`the slowest of ${delays.length} ends came ${worst.toFixed(1)} ms after the client left`)
    assert.ok(worst <= 250, `the slowest of ${delays.length} took ${worst} ms`)
    assert.deepEqual(await violations(house().evidence), [])
    const rows = readLedger(gateway.databasePath).requests.filter((row) => left.includes(row.clientRequestId ?? ''))
    assert.equal(rows.length, left.length, 'one row each')
    for (const row of rows) {
      assert.deepEqual([row.outcome, row.status === 499 || row.status === 200], ['cancelled', true], row.id)
      assert.equal(row.usageSource, 'estimated')
      assert.ok(row.inputTokens >= 5, `an input of 5 words was charged as ${row.inputTokens} tokens`)
    }
  })
}

test('S12 what was delivered before the client left is charged', async () => {
  const { gateway, wall } = house()
  const nonce = 's12-delivered'
  const call = house().client.start({ model: 'slow-20', stream: true, nonce })
  await eventually(() => call.received().split('data: ').length > 5)
  call.leave('rst')
  await call.result
  const delivered = call.received().split('"content":" ').length - 1
  await eventually(() => wall.byNonce(nonce)[0]?.closedAt != null)
  assert.deepEqual(await violations(house().evidence), [])
  const row = readLedger(gateway.databasePath).requests.find((each) => each.clientRequestId === nonce)
  assert.equal(row?.outcome, 'cancelled')
  assert.ok(
    (row?.outputTokens ?? 0) >= delivered,
    `${delivered} words were delivered, ${row?.outputTokens} tokens charged`,
  )
})

test('S10 an answer that was complete before the client left is a success', async () => {
  const result = await house().client.chat({ nonce: 's10-complete' })
  assert.equal(at(result.json, 'usage', 'total_tokens'), 11)
  assert.deepEqual(await violations(house().evidence), [])
  const row = readLedger(house().gateway.databasePath).requests.find((each) => each.clientRequestId === 's10-complete')
  assert.deepEqual([row?.outcome, row?.usageSource, row?.tokens], ['success', 'reported', 11])
})
