import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../harness/eventually.ts'
import { RawClient } from '../harness/raw-client.ts'
import { residentBytes, scaled, scaledTime, useHouse } from './house.ts'
import { CHAT_BODY, chatBytesOf } from './refusal.ts'

/* Clients that take their time, or leave. The times are the smallest that the configuration takes, the counts are those of a shared machine. */
const house = useHouse({
  models: ['ok', 'barrier', 'hang-head', 'slow-20'],
  more: { limits: { body: '1MiB', header_timeout: '2s', body_idle: '2s', body_total: '6s', keep_alive: '60s' } },
})

const MIB = 1_024 * 1_024
const LENGTH = `Content-Length: ${CHAT_BODY.length}`

function chat(model = 'ok'): string {
  const body = CHAT_BODY.replace('"ok"', `"${model}"`)
  const lines = ['Host: gateway', `Content-Length: ${body.length}`]
  return chatBytesOf({ lines, body, key: house().key.secret })
}

async function connected(count: number): Promise<RawClient[]> {
  const clients: RawClient[] = []
  for (let at = 0; at < count; at++) clients.push(await RawClient.connect(house().gateway.url))
  return clients
}

/** How long requests of a client that behaves take, the longest of several, while `work` goes on. */
async function besides<T>(work: () => Promise<T>): Promise<{ result: T; longestMs: number; requests: number }> {
  let over = false
  let longestMs = 0
  let requests = 0
  const good = (async () => {
    while (!over) {
      const from = performance.now()
      assert.equal((await house().client.chat()).status, 200)
      longestMs = Math.max(longestMs, performance.now() - from)
      requests++
      await delay(20)
    }
  })()
  try {
    return { result: await work(), longestMs, requests }
  } finally {
    over = true
    await good
  }
}

test('L1 slow heads are each ended with 408 when their time is up, and delay nobody', {
  timeout: scaledTime(60_000),
}, async (t) => {
  const count = scaled(300)
  const before = residentBytes(house().gateway.pid)
  const { longestMs, requests } = await besides(async () => {
    const clients = await connected(count)
    await Promise.all(
      clients.map(async (client, index) => {
        await client.send('GET /v1/models HTTP/1.1\r\nHost: gateway\r\n')
        const from = performance.now()
        while (client.closeKind === 'open' && performance.now() - from < 10_000) {
          await client.send(`x-${index}: y\r\n`)
          await Promise.race([delay(300), client.waitForClose(10_000)])
        }
        const tookMs = performance.now() - from
        assert.deepEqual(
          client.responses().map(({ status }) => status),
          [408],
        )
        assert.ok(tookMs > 1_500 && tookMs < 6_000, `${tookMs} ms`)
        client.close()
      }),
    )
  })
  t.diagnostic(`${count} slow heads; of ${requests} requests beside them the longest took ${longestMs.toFixed(0)} ms`)
  assert.ok(requests > 10 && longestMs < 2_000, `${requests} requests, the longest ${longestMs} ms`)
  assert.ok(residentBytes(house().gateway.pid) - before < 64 * MIB)
})

test('L1 a connection that never says a word is ended as well', async () => {
  const [client] = await connected(1)
  assert.ok(client)
  const [response] = await client.waitForResponses(1, 8_000)
  assert.equal(response?.status, 408)
  client.close()
})

test('L2 a body that stops, and one that drips, are ended with 408; the upstream never hears of them', async () => {
  const { wall, key } = house()
  const seen = wall.requests.length
  for (const framing of [LENGTH, 'Transfer-Encoding: chunked'] as const) {
    const head = chatBytesOf({ lines: ['Host: gateway', framing], key: key.secret })
    const drip = framing === LENGTH ? ' ' : '1\r\n \r\n'
    for (const [how, lowMs, highMs] of [
      ['stops', 1_500, 4_500],
      ['drips', 5_000, 9_500],
    ] as const) {
      const [client] = await connected(1)
      assert.ok(client)
      await client.send(head + drip)
      const from = performance.now()
      while (client.closeKind === 'open' && performance.now() - from < 12_000) {
        if (how === 'drips') await client.send(drip)
        await Promise.race([delay(500), client.waitForClose(12_000)])
      }
      const tookMs = performance.now() - from
      assert.deepEqual(
        client.responses().map(({ status }) => status),
        [408],
        `${framing} ${how}`,
      )
      assert.ok(tookMs > lowMs && tookMs < highMs, `${framing} ${how}: ${tookMs} ms`)
      client.close()
    }
  }
  assert.equal(wall.requests.length, seen)
})

test('a body of a megabyte in chunks of one byte costs about its length', { timeout: 60_000 }, async () => {
  const { gateway, key } = house()
  const padded = CHAT_BODY.padEnd(MIB - 1, ' ')
  const bytes = Buffer.from(padded.replaceAll(/./gs, '1\r\n$&\r\n'))
  const clients = await connected(3)
  const before = residentBytes(gateway.pid)
  let highest = before
  const head = chatBytesOf({ lines: ['Host: gateway', 'Transfer-Encoding: chunked'], key: key.secret })
  const watch = setInterval(() => {
    highest = Math.max(highest, residentBytes(gateway.pid))
  }, 20)
  // Sent by all at a time, so that the pieces of all are held together.
  await Promise.all(clients.map((client) => client.send(head)))
  for (let from = 0; from < bytes.length; from += 262_144) {
    await Promise.all(clients.map((client) => client.send(bytes.subarray(from, from + 262_144))))
  }
  highest = Math.max(highest, residentBytes(gateway.pid))
  await Promise.all(clients.map((client) => client.send('0\r\n\r\n')))
  for (const client of clients) {
    const [response] = await client.waitForResponses(1, 20_000)
    assert.equal(response?.status, 200)
    client.close()
  }
  clearInterval(watch)
  const grown = highest - before
  assert.ok(grown < 60 * MIB, `${Math.round(grown / MIB)} MiB for 3 MiB of bodies`)
})

test('2,000 idle connections cost little, and requests among them are served', { timeout: 60_000 }, async () => {
  const { gateway } = house()
  const before = residentBytes(gateway.pid)
  const clients: RawClient[] = []
  try {
    // A first request each at once, so that they are kept alive and not taken for slow.
    while (clients.length < 2_000) {
      const some = await connected(100)
      clients.push(...some)
      await Promise.all(some.map((client) => client.send('GET /healthz HTTP/1.1\r\nHost: g\r\n\r\n')))
      await Promise.all(some.map((client) => client.waitForResponses(1, 20_000)))
    }
    const each = (residentBytes(gateway.pid) - before) / clients.length
    assert.ok(each < 48 * 1_024, `${Math.round(each)} bytes each`)
    for (const client of [clients[0], clients[999], clients[1_999]]) {
      await client?.send(chat())
      assert.equal((await client?.waitForResponses(2, 5_000))?.[1]?.status, 200)
    }
    assert.equal(clients.filter((client) => client.closeKind !== 'open').length, 0)
  } finally {
    for (const client of clients) client.close()
  }
})

test('S10 a client that leaves ends its upstream request at once, whenever and however it leaves', {
  timeout: 60_000,
}, async () => {
  const { wall, gateway, key } = house()
  const tookMs: number[] = []
  for (let round = 0; round < scaled(5); round++) {
    for (const [model, stream] of [
      ['hang-head', false],
      ['hang-head', true],
      ['slow-20', true],
    ] as const) {
      for (const how of ['FIN', 'RST'] as const) {
        const seen = wall.requests.length
        const body = JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'a' }] })
        const client = await RawClient.connect(gateway.url)
        const lines = ['Host: gateway', `Content-Length: ${body.length}`]
        // A pipelined request behind it does not hide that the client has left.
        await client.send(chatBytesOf({ lines, body, key: key.secret }) + chat())
        const request = await eventually(() => wall.requests[seen] ?? null)
        if (model === 'slow-20') await eventually(() => client.receivedBytes > 300)
        const from = performance.now()
        if (how === 'FIN') client.finish()
        else client.abort()
        await eventually(() => request.closedAt !== null, { what: `the end of ${model} after ${how}`, everyMs: 2 })
        tookMs.push((request.closedAt ?? 0) - from)
        client.close()
        assert.equal(wall.requests.length, seen + 1, 'what came behind is not served for a client that has left')
      }
    }
  }
  const slowest = Math.max(...tookMs)
  assert.ok(slowest < 1_000, `${slowest} ms`)
  tookMs.sort((a, b) => a - b)
  assert.ok((tookMs[Math.floor(tookMs.length / 2)] ?? 0) < 250, String(tookMs))
})
