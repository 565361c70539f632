import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at } from '../harness/json.ts'
import { exchangeRaw, RawClient } from '../harness/raw-client.ts'
import { sentHeader, WALL_KEY } from '../harness/wall/wall.ts'
import { assertRefusedCleanly, scaled, useHouse } from './house.ts'

const house = useHouse({ more: { limits: { body: '64KiB' } } })

const BODY = JSON.stringify({ model: 'ok', messages: [{ role: 'user', content: 'a b c' }] })
const CHUNKED_BODY = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`

/** A chat request with exactly these framing lines and this body. */
function framed(lines: readonly string[], body = BODY): string {
  const head = ['POST /v1/chat/completions HTTP/1.1', 'Host: gateway', 'Content-Type: application/json']
  return `${[...head, `Authorization: Bearer ${house().key.secret}`, ...lines].join('\r\n')}\r\n\r\n${body}`
}

test('H1 refuses Content-Length together with Transfer-Encoding, in both orders', async () => {
  const lines = [`Content-Length: ${CHUNKED_BODY.length}`, 'Transfer-Encoding: chunked']
  for (const order of [lines, lines.toReversed()]) {
    await assertRefusedCleanly(house(), framed(order, CHUNKED_BODY))
    const smuggled = 'GET /admin/v1/keys HTTP/1.1\r\nHost: gateway\r\n\r\n'
    await assertRefusedCleanly(house(), framed(order, '0\r\n\r\n'), { pipelined: smuggled })
  }
})

test('H2 refuses two lengths, whether they agree or not', async () => {
  const length = BODY.length
  const pairs = [
    [`Content-Length: ${length}`, `Content-Length: ${length}`],
    [`Content-Length: ${length}`, `Content-Length: ${length - 1}`],
    [`Content-Length: ${length}`, `content-LENGTH: ${length}`],
    [`Content-Length: ${length}, ${length}`],
  ]
  for (const lines of pairs) await assertRefusedCleanly(house(), framed(lines))
})

test('H3 refuses a length that is not a plain decimal number', async () => {
  const values = [
    '',
    '+5',
    '-1',
    '0x5',
    '5;',
    '5 5',
    '1e2',
    '9007199254740993',
    '18446744073709551621',
    `${'0'.repeat(1_000)}5`,
  ]
  for (const value of values) {
    await assertRefusedCleanly(house(), framed([`Content-Length: ${value}`]), { statuses: [400, 413] })
  }
})

test('H4 refuses header lines that are none', async () => {
  const lines = [': x', 'x-a : b', 'x-a\t: b', 'no colon', 'x-\0a: b', 'x-a: \0', 'x-\x80: b', 'x-(a: b', 'x@a: b']
  for (const line of lines) await assertRefusedCleanly(house(), framed([`Content-Length: ${BODY.length}`, line]))
})

test('H5 refuses transfer codings other than chunked', async () => {
  const values = ['xchunked', 'chunked, identity', 'identity', 'chunked;a=b', '\vchunked', 'Chunked\0', 'gzip, chunked']
  for (const value of values) {
    await assertRefusedCleanly(house(), framed([`Transfer-Encoding: ${value}`], CHUNKED_BODY), { statuses: [400, 501] })
  }
  const twice = ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked']
  await assertRefusedCleanly(house(), framed(twice, CHUNKED_BODY), { statuses: [400, 501] })
})

test('H7 an upgrade is not passed on, and what follows it authenticates by itself', async () => {
  const seen = house().wall.requests.length
  const upgrade = framed([`Content-Length: ${BODY.length}`, 'Connection: upgrade', 'Upgrade: foo'])
  const second = `GET /v1/models HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n`
  const client = await exchangeRaw(house().gateway.url, upgrade + second, 500)
  const statuses = client.responses().map((response) => response.status)
  assert.ok(!statuses.includes(101))
  // Served as if nothing had been asked, or refused: never a tunnel, and the second request is nobody's.
  assert.ok([200, 400, 426].includes(statuses[0] ?? 0), `first answer is ${statuses[0]}`)
  assert.ok(statuses.length === 1 || statuses[1] === 401, `second answer is ${statuses[1]}`)
  for (const request of house().wall.requests.slice(seen)) {
    assert.equal(sentHeader(request, 'upgrade'), undefined)
    assert.doesNotMatch(sentHeader(request, 'connection') ?? '', /upgrade/i)
  }
})

test('H14 refuses a Host that is missing, doubled or no host, and a target that names another', async () => {
  const request = (lines: readonly string[], target = '/v1/chat/completions') =>
    [
      `POST ${target} HTTP/1.1`,
      ...lines,
      'Content-Type: application/json',
      `Authorization: Bearer ${house().key.secret}`,
      `Content-Length: ${BODY.length}`,
      '',
      BODY,
    ].join('\r\n')
  const hosts = [
    [],
    ['Host: a', 'Host: b'],
    ['Host: a', 'Host: a'],
    ['Host:'],
    ['Host: a@b'],
    ['Host: a/b'],
    ['Host: a#b'],
    ['Host: a,b'],
  ]
  for (const lines of hosts) await assertRefusedCleanly(house(), request(lines))
  await assertRefusedCleanly(house(), request(['Host: gateway:99999']))
  await assertRefusedCleanly(house(), request(['Host: gateway'], 'http://evil.example/v1/chat/completions'))
})

test('H17 names of object prototypes are names like others', async () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype']
  const headers = names.map((name) => `${name}: x`)
  const query = names.map((name) => `${name}=x`).join('&')
  for (const name of names) {
    const body = `{"${name}":{"polluted":true},"model":"ok","messages":[{"role":"user","content":"a"}]}`
    const bytes = house().chatBytes(body, { head: [...headers, 'Connection: close'] })
    const client = await exchangeRaw(house().gateway.url, bytes.replace('/completions ', `/completions?${query} `))
    assert.equal(client.responses()[0]?.status, 200, client.received.toString())
    assert.ok(house().wall.requests.at(-1)?.body.toString().includes(`"${name}":{"polluted":true}`))
  }
  const trailer = `${CHUNKED_BODY.slice(0, -2)}__proto__: x\r\nconstructor: y\r\n\r\n`
  const client = await exchangeRaw(
    house().gateway.url,
    framed(['Transfer-Encoding: chunked', 'Connection: close'], trailer),
  )
  assert.equal(client.responses()[0]?.status, 200)
})

test('H18 refuses too many headers with 431, however many', async () => {
  const { gateway, wall, key } = house()
  const seen = wall.requests.length
  for (const count of [101, 500, 2_001, 5_000]) {
    const filler = Array.from({ length: count - 5 }, (_unused, index) => `x-${index}: y`)
    const lines = [
      'POST /v1/chat/completions HTTP/1.1',
      'Host: g',
      `Content-Length: ${BODY.length}`,
      'Connection: close',
      ...filler,
    ]
    const last = ['Content-Type: application/json', `Authorization: Bearer ${key.secret}`]
    const client = await exchangeRaw(gateway.url, `${[...lines, ...last].join('\r\n')}\r\n\r\n${BODY}`)
    assert.deepEqual(
      client.responses().map((response) => response.status),
      [431],
      `${count} headers`,
    )
  }
  assert.equal(wall.requests.length, seen)
})

test('H21 hop-by-hop headers stay here, and naming a header in Connection cannot strip what the gateway adds', async () => {
  const named = 'close, x-a, authorization, x-api-key, content-length, host, traceparent'
  const head = [
    `Connection: ${named}`,
    'x-a: secret-of-the-hop',
    'Keep-Alive: timeout=5',
    'Proxy-Connection: keep-alive',
    'TE: trailers',
    'Proxy-Authorization: Basic eDp5',
  ]
  const client = await exchangeRaw(house().gateway.url, house().chatBytes(BODY, { head }))
  assert.equal(client.responses()[0]?.status, 200, client.received.toString())
  const request = house().wall.requests.at(-1)
  assert.ok(request)
  assert.equal(request.refused, null)
  assert.equal(sentHeader(request, 'authorization'), `Bearer ${WALL_KEY}`)
  for (const name of ['x-a', 'keep-alive', 'proxy-connection', 'te', 'proxy-authorization', 'x-api-key']) {
    assert.equal(sentHeader(request, name), undefined, name)
  }
  assert.ok(!request.headText.includes(house().key.secret))
})

test('H26 what is left of a refused body is never a request', async () => {
  const inner = house().modelsBytes()
  const outer = (target: string, credential: string, length = inner.length) =>
    `POST ${target} HTTP/1.1\r\nHost: g\r\n${credential}Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`
  const key = `Authorization: Bearer ${house().key.secret}\r\n`
  const rows = [
    [401, outer('/v1/chat/completions', ''), inner],
    [404, outer('/v1/nothing', key), inner],
    [413, outer('/v1/chat/completions', key, 65 * 1_024), inner.padEnd(65 * 1_024, ' ')],
    [405, outer('/v1/models', key), inner],
  ] as const
  for (let round = 0; round < scaled(3); round++) {
    for (const [status, head, body] of rows) {
      const client = await exchangeRaw(house().gateway.url, head + body, 500)
      const statuses = client.responses().map((response) => response.status)
      assert.deepEqual(statuses, [status])
      // The same in two packets: the answer may come before the body does.
      const split = await RawClient.connect(house().gateway.url)
      await split.send(head)
      await split.waitForResponses(1).catch(() => [])
      await split.send(body)
      await split.waitForClose(500).catch(() => 'open')
      split.close()
      assert.deepEqual(
        split.responses().map((response) => response.status),
        [status],
      )
    }
  }
  assert.equal(at((await house().client.chat()).json, 'object'), 'chat.completion')
})
