import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at } from '../harness/json.ts'
import { exchangeRaw, RawClient } from '../harness/raw-client.ts'
import { sentHeader, WALL_KEY } from '../harness/wall/wall.ts'
import { scaled, useHouse } from './house.ts'
import { CHAT_BODY, chatBytesOf } from './refusal.ts'

/*
 * What HTTP/1.1 asks of a gateway around a request: hop-by-hop headers, upgrades, expectations, bodies that nobody read.
 * The other rows of the catalogue stand elsewhere:
 *
 * | rows                       | where                                                                        |
 * | -------------------------- | ---------------------------------------------------------------------------- |
 * | H1–H3 H5 H6 H10–H13        | http-parsing-framing.test.ts                                                 |
 * | H4 H8 H9 H14–H20 H24 H27   | http-parsing-head.test.ts                                                    |
 * | H22 H23                    | upstream-faults.test.ts: what upstreams send                                 |
 * | H26, a cached answer       | there is no cache                                                            |
 * | H28                        | HTTP/2 is node:http2, on TLS listeners                                       |
 * | H29                        | http-parsing-fuzz.test.ts, and all of it: `npm run fuzz`                     |
 * | L1 L2 S10, idle connections | http-parsing-slow.test.ts                                                   |
 */
const house = useHouse({ models: ['ok', 'status-101'], more: { limits: { body: '64KiB' } } })

const LENGTH = `Content-Length: ${CHAT_BODY.length}`
const STRANGER = 'GET /v1/models HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n'

function chat(lines: readonly string[], body = CHAT_BODY): string {
  return chatBytesOf({ lines: ['Host: gateway', ...lines], body, key: house().key.secret })
}

const statuses = (client: RawClient) => client.responses().map(({ status }) => status)

test('H7 an upgrade is not passed on, and what follows it authenticates by itself', async () => {
  const seen = house().wall.requests.length
  for (const protocol of ['foo', 'websocket', 'h2c']) {
    const lines = [
      LENGTH,
      'Connection: Upgrade, HTTP2-Settings',
      `Upgrade: ${protocol}`,
      'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA',
    ]
    const client = await exchangeRaw(house().gateway.url, chat(lines) + STRANGER)
    // Served as if nothing had been asked; the second request is nobody's.
    assert.deepEqual(statuses(client), [200, 401], protocol)
    // Behind a request without body, too.
    const bare = house().modelsBytes().replace('\r\n\r\n', `\r\nConnection: upgrade\r\nUpgrade: ${protocol}\r\n\r\n`)
    assert.deepEqual(statuses(await exchangeRaw(house().gateway.url, bare + STRANGER)), [200, 401])
  }
  for (const request of house().wall.requests.slice(seen)) {
    assert.equal(sentHeader(request, 'upgrade'), undefined)
    assert.equal(sentHeader(request, 'http2-settings'), undefined)
    assert.doesNotMatch(sentHeader(request, 'connection') ?? '', /upgrade/i)
  }
})

test('H7 an upstream that switches protocols unasked is an error, and no tunnel', async () => {
  const lines = [`Content-Length: ${CHAT_BODY.length + 8}`, 'Connection: upgrade', 'Upgrade: foo']
  const body = CHAT_BODY.replace('"ok"', '"status-101"')
  const client = await exchangeRaw(house().gateway.url, chat(lines, body) + STRANGER, 5_000)
  assert.ok(statuses(client).length >= 1 && !statuses(client).includes(101) && !statuses(client).includes(200))
  assert.ok((statuses(client)[0] ?? 0) >= 500, String(statuses(client)))
})

test('H21 hop-by-hop headers stay here, and naming a header in Connection cannot strip what the gateway adds', async () => {
  const named = 'close, x-a, authorization, x-api-key, content-length, host, traceparent, content-type'
  const hop = [
    'x-a: secret-of-the-hop',
    'Keep-Alive: timeout=5',
    'Proxy-Connection: keep-alive',
    'TE: trailers',
    'Trailer: x-b',
    'Upgrade: foo',
    'Proxy-Authorization: Basic eDp5',
    'Proxy-Authenticate: Basic',
  ]
  for (const connection of [[`Connection: ${named}`], named.split(', ').map((name) => `Connection: ${name}`)]) {
    const client = await exchangeRaw(house().gateway.url, chat([LENGTH, ...connection, ...hop]))
    assert.equal(client.responses()[0]?.status, 200, client.received.toString())
    const request = house().wall.requests.at(-1)
    assert.ok(request)
    assert.equal(request.refused, null)
    assert.equal(sentHeader(request, 'authorization'), `Bearer ${WALL_KEY}`)
    assert.equal(sentHeader(request, 'content-length'), String(request.body.length))
    for (const line of [...hop, 'x-api-key: x']) {
      const [name = ''] = line.split(':')
      assert.equal(sentHeader(request, name), undefined, name)
    }
    assert.ok(!request.headText.includes(house().key.secret))
  }
})

test('H25 who waits for leave to send gets it only when the body is wanted', async () => {
  const { gateway, key, wall } = house()
  const head = (lines: readonly string[], secret: string | null) =>
    chatBytesOf({ lines: ['Host: gateway', ...lines, 'Expect: 100-continue'], key: secret })
  const good = await RawClient.connect(gateway.url)
  await good.send(head([LENGTH, 'Connection: close'], key.secret))
  // Nothing was sent of the body: only the leave makes the request complete.
  while (!good.received.includes('100 Continue')) await new Promise((resolve) => good.socket.once('data', resolve))
  await good.send(CHAT_BODY)
  await good.waitForClose()
  assert.match(good.received.toString(), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /)
  good.close()
  const seen = wall.requests.length
  const inner = house().modelsBytes()
  for (const [lines, secret, status] of [
    [['Content-Length: 65537'], key.secret, 413],
    [['Content-Length: 999999999999999'], key.secret, 413],
    [[`Content-Length: ${inner.length}`], null, 401],
    [[`Content-Length: ${inner.length}`], 'fk-wrong', 401],
    [[`Content-Length: ${inner.length}`, 'Content-Encoding: gzip'], key.secret, 415],
  ] as const) {
    for (const when of ['at once', 'after the answer'] as const) {
      const client = await RawClient.connect(gateway.url)
      await client.send(head(lines, secret) + (when === 'at once' ? inner : ''))
      await client.waitForResponses()
      await client.send(inner)
      await client.waitForClose()
      assert.deepEqual(statuses(client), [status], `${lines.join()} ${when}`)
      assert.doesNotMatch(client.received.toString(), /100 Continue/)
      client.close()
    }
  }
  for (const expectation of ['200-ok', '100-continue, x', 'x="y"', '100']) {
    const bytes = chat([LENGTH, `Expect: ${expectation}`]) + inner
    const client = await exchangeRaw(gateway.url, bytes)
    assert.deepEqual(statuses(client), [417], expectation)
  }
  const twice = await exchangeRaw(gateway.url, chat([LENGTH, 'Expect: 100-continue', 'Expect: 100-continue']) + inner)
  assert.deepEqual(statuses(twice), [400])
  assert.equal(wall.requests.length, seen)
})

test('H26 what is left of a refused body is never a request', async () => {
  const { gateway, key, wall } = house()
  const inner = house().modelsBytes()
  const credential = `Authorization: Bearer ${key.secret}`
  const outer = (line: string, lines: readonly string[]) =>
    `${[line, 'Host: g', 'Content-Type: application/json', ...lines].join('\r\n')}\r\n\r\n`
  const sized = `Content-Length: ${inner.length}`
  const post = 'POST /v1/chat/completions HTTP/1.1'
  const chunks = `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`
  const rows = [
    [401, outer(post, [sized]), inner],
    [401, outer(post, ['Transfer-Encoding: chunked']), chunks],
    [401, outer(post, ['Authorization: Bearer fk-wrong', sized]), inner],
    [404, outer('POST /nothing HTTP/1.1', [credential, sized]), inner],
    [404, outer('POST /nothing HTTP/1.1', [credential, 'Transfer-Encoding: chunked']), chunks],
    [405, outer('POST /v1/models HTTP/1.1', [credential, sized]), inner],
    [413, outer(post, [credential, `Content-Length: ${65 * 1_024}`]), inner.padEnd(65 * 1_024, ' ')],
    [415, outer(post, [credential, sized, 'Content-Encoding: gzip']), inner],
    // An answer that needs no body at all.
    [200, outer('GET /v1/models HTTP/1.1', [credential, sized]), inner],
    [200, outer('GET /healthz HTTP/1.1', [sized]), inner],
    [200, outer('GET /healthz HTTP/1.1', ['Transfer-Encoding: chunked']), chunks],
  ] as const
  const seen = wall.requests.length
  const next = 'GET /livez HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n'
  for (let round = 0; round < scaled(2); round++) {
    for (const [status, head, body] of rows) {
      // A small body is read over, and what comes behind it is a request; behind a large one nothing is.
      const expected = body.length < 65_536 ? [status, 200] : [status]
      const client = await exchangeRaw(gateway.url, head + body + next)
      assert.deepEqual(statuses(client), expected, head)
      assert.equal(client.responses()[0]?.header('connection'), expected.length === 1 ? 'close' : undefined)
      assert.notEqual(client.closeKind, 'open')
      // The same in two packets: the answer may come before the body does.
      const split = await RawClient.connect(gateway.url)
      await split.send(head)
      await split.waitForResponses()
      await split.send(body + next)
      await split.waitForClose()
      split.close()
      assert.deepEqual(statuses(split), expected, head)
    }
  }
  assert.equal(wall.requests.length, seen)
  assert.equal(at((await house().client.chat()).json, 'object'), 'chat.completion')
})
