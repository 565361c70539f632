import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../harness/eventually.ts'
import { exchangeRaw, RawClient } from '../harness/raw-client.ts'
import { sentHeader, WALL_KEY } from '../harness/wall/wall.ts'
import { assertRefusedCleanly, residentBytes, useHouse } from './house.ts'
import { assertFramingRefused, assertHeadRefused, CHAT_BODY, chatBytesOf } from './refusal.ts'

/*
 * Request lines and headers. H24: nobody is trusted by default, and the chat route makes its upstream headers itself,
 * so nothing of what a client says about who it is can arrive there; trusted proxies are tried beside
 * src/core/proxy/client-address.ts. H17: names in TLS are tried where TLS is.
 */
const house = useHouse()

const LENGTH = `Content-Length: ${CHAT_BODY.length}`
const MIB = 1_024 * 1_024

/** A whole request with these lines beside what it needs; the connection ends with its answer. */
function whole(lines: readonly string[], line?: string): string {
  const all = ['Host: gateway', LENGTH, 'Connection: close', ...lines]
  return chatBytesOf({ ...(line === undefined ? {} : { line }), lines: all, body: CHAT_BODY, key: house().key.secret })
}

async function statusesOf(bytes: string): Promise<number[]> {
  const client = await exchangeRaw(house().gateway.url, bytes)
  return client.responses().map(({ status }) => status)
}

test('H4 refuses header lines that are none', async () => {
  const names = [
    ': x',
    'x-a : b',
    'x-a\t: b',
    'no colon',
    'x-\0a: b',
    'x-\x80: b',
    'x-(a: b',
    'x@a: b',
    'x"a: b',
    'x a: b',
  ]
  for (const line of [...names, 'x-a: \0', 'x-a: a\x7f', 'x-a: \x1b[31m']) {
    await assertFramingRefused(house(), [LENGTH, line], { body: CHAT_BODY })
    // As the first line there is, too.
    await assertHeadRefused(house(), [line, 'Host: gateway', LENGTH], { body: CHAT_BODY })
  }
})

test('H8 refuses a header that is folded, whichever it is', async () => {
  for (const space of [' ', '\t']) {
    for (const lines of [
      ['Host: gateway', `X-A: b\r\n${space}c`],
      [`Host: gateway\r\n${space}x`],
      [`Host:\r\n${space}gateway`],
      ['Host: gateway', `Transfer-Encoding: chunked\r\n${space}x`],
      ['Host: gateway', `Transfer-Encoding:\r\n${space}chunked`],
      ['Host: gateway', `Authorization: Bearer\r\n${space}x`],
      ['Host: gateway', `Content-Length: 1\r\n${space}0`],
    ]) {
      await assertHeadRefused(house(), lines)
    }
    const first = chatBytesOf({ lines: [LENGTH], body: CHAT_BODY, key: null })
    await assertRefusedCleanly(house(), first.replace('\r\n', `\r\n${space}Host: gateway\r\n`))
  }
})

test('H9 refuses line ends other than CRLF, wherever they stand', async () => {
  const head = chatBytesOf({ lines: ['Host: gateway', LENGTH], body: '', key: house().key.secret })
  const lines = head.split('\r\n')
  for (const end of ['\n', '\r', '\n\r', '\r\r\n']) {
    for (let at = 0; at < lines.length - 1; at++) {
      const before = lines.slice(0, at + 1).join('\r\n')
      await assertRefusedCleanly(house(), `${before}${end}${lines.slice(at + 1).join('\r\n')}${CHAT_BODY}`)
    }
    await assertRefusedCleanly(house(), `${lines.join(end)}${CHAT_BODY}`)
    await assertFramingRefused(house(), [LENGTH, `X-A: b${end}c: d`], { body: CHAT_BODY })
  }
})

test('H14 refuses a Host that is missing, doubled or no host, and a target that names another', async () => {
  for (const lines of [
    [],
    ['Host: a', 'Host: b'],
    ['Host: a', 'Host: a'],
    ['Host: a', 'hOST: a'],
    ...['', 'a@b', 'a/b', 'a#b', 'a,b', 'a, b', 'a b', 'a:99999', 'a:x', 'a:-1', 'a?b', 'a%00', '[::1', '\xe4'].map(
      (host) => [`Host: ${host}`],
    ),
  ]) {
    await assertHeadRefused(house(), [...lines, LENGTH], { body: CHAT_BODY })
  }
  for (const authority of ['evil.example', 'gateway', 'a@gateway']) {
    const line = `POST http://${authority}/v1/chat/completions HTTP/1.1`
    await assertFramingRefused(house(), [LENGTH], { line, body: CHAT_BODY })
  }
})

test('H15 refuses targets that are no path; the upstream is always the configured one', async () => {
  for (const target of [
    '@evil',
    '//evil/x',
    'http://evil/x',
    'https://evil/v1/chat/completions',
    '*',
    'evil:443',
    'v1/chat/completions',
    '?x',
    '#x',
    '/x#y',
    '/x\\y',
    '/x y',
    '/\xe4',
    '/x\x7f',
    '',
  ]) {
    const line = `POST ${target} HTTP/1.1`
    await assertFramingRefused(house(), [LENGTH], { line, body: CHAT_BODY })
    await assertRefusedCleanly(house(), `GET ${target} HTTP/1.1\r\nHost: gateway\r\n\r\n`)
  }
  for (const line of [
    'POST /v1/chat/completions HTTP/1.1 y',
    'POST  /v1/chat/completions HTTP/1.1',
    'POST /v1/chat/completions  HTTP/1.1',
  ]) {
    await assertFramingRefused(house(), [LENGTH], { line, body: CHAT_BODY })
  }
  for (const target of ['evil:443', 'gateway:80', '/v1/models', '/']) {
    const bytes = `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`
    const client = await assertRefusedCleanly(house(), bytes, { statuses: [400, 404, 405, 501] })
    assert.equal(client.responses().length, 1)
  }
})

test('H16 twins of header names with underscores are other headers, and stay here', async () => {
  const { key, wall } = house()
  const twins = [
    'X_Forwarded_For: 1.2.3.4',
    'Content_Length: 3',
    'Transfer_Encoding: chunked',
    'Authorization_: Bearer x',
  ]
  assert.deepEqual(await statusesOf(whole(twins)), [200])
  assert.doesNotMatch(wall.requests.at(-1)?.headText ?? '', /_/)
  // A twin is no credential.
  const bytes = chatBytesOf({
    lines: ['Host: gateway', LENGTH, `Authorization_: Bearer ${key.secret}`],
    body: CHAT_BODY,
    key: null,
  })
  assert.deepEqual(await statusesOf(bytes), [401])
})

test('H17 names of object prototypes are names like others', async () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype']
  const query = names.map((name) => `${name}=x`).join('&')
  const headers = names.map((name) => `${name}: x`)
  for (const name of names) {
    const body = `{"${name}":{"polluted":true},"model":"ok","messages":[{"role":"user","content":"a"}]}`
    const bytes = house().chatBytes(body, { head: [...headers, ...headers, 'Connection: close'] })
    assert.deepEqual(await statusesOf(bytes.replace('/completions ', `/completions?${query} `)), [200])
    assert.ok(house().wall.requests.at(-1)?.body.toString().includes(`"${name}":{"polluted":true}`))
    for (const path of [`/${name}`, `/v1/models/${name}`]) {
      assert.deepEqual(await statusesOf(whole([], `GET ${path} HTTP/1.1`)), [404])
    }
    assert.deepEqual(await statusesOf(whole([], `${name} /v1/models HTTP/1.1`)), [405])
  }
})

test('H18 refuses too many headers with 431, however many, with the credential last', async () => {
  const { key, wall } = house()
  const seen = wall.requests.length
  for (const count of [101, 500, 2_001, 5_000]) {
    for (const secret of [key.secret, 'fk-wrong']) {
      const filler = Array.from({ length: count - 4 }, (_unused, index) => `x-${index}: y`)
      const lines = [
        'POST /v1/chat/completions HTTP/1.1',
        'Host: g',
        LENGTH,
        ...filler,
        'Content-Type: application/json',
      ]
      const bytes = `${[...lines, `Authorization: Bearer ${secret}`].join('\r\n')}\r\n\r\n${CHAT_BODY}`
      await assertRefusedCleanly(house(), bytes, { statuses: [431] })
    }
  }
  assert.equal(wall.requests.length, seen)
  const filler = Array.from({ length: 95 }, (_unused, index) => `x-${index}: y`)
  assert.deepEqual(await statusesOf(whole(filler)), [200], 'a hundred are taken')
})

test('H19 a header and a head may be so long and no longer, in one piece and byte by byte', async () => {
  const { gateway } = house()
  assert.deepEqual(await statusesOf(whole([`X-A: ${'y'.repeat(8_192)}`])), [200])
  const large = `X-A: ${'y'.repeat(8_193)}`
  const empty = whole([]).length - CHAT_BODY.length - 4
  const filler = [`X-A: ${'y'.repeat(6_000)}`, `X-B: ${'y'.repeat(6_000)}`]
  const rest = 16_384 - empty - filler.join('\r\n').length - '\r\n\r\nX-C: '.length
  const tooLarge = [...filler, `X-C: ${'y'.repeat(rest + 1)}`]
  assert.deepEqual(await statusesOf(whole([...filler, `X-C: ${'y'.repeat(rest)}`])), [200])
  for (const lines of [[large], tooLarge]) {
    await assertFramingRefused(house(), [LENGTH, ...lines, 'X-D: e'.padEnd(100, 'e')], {
      body: CHAT_BODY,
      statuses: [431],
    })
    const before = residentBytes(gateway.pid)
    const clients = await Promise.all(Array.from({ length: 3 }, () => RawClient.connect(gateway.url)))
    await Promise.all(clients.map((client) => client.sendSplit(whole(lines), 1)))
    for (const client of clients) {
      const [response] = await client.waitForResponses()
      assert.equal(response?.status, 431)
      client.close()
    }
    const grown = residentBytes(gateway.pid) - before
    assert.ok(grown < 32 * MIB, `${grown} bytes more`)
  }
})

test('H20 a request line that is too long is refused before it has ended', async () => {
  const { gateway, wall } = house()
  const seen = wall.requests.length
  const rest = ' HTTP/1.1\r\nHost: gateway\r\n\r\n'
  for (const target of [`/${'a'.repeat(8_192)}`, `/?${'a'.repeat(MIB)}`]) {
    const client = await exchangeRaw(gateway.url, `GET ${target}${rest}${house().modelsBytes()}`)
    assert.ok([414, 431].includes(client.responses()[0]?.status ?? 0), `${client.responses()[0]?.status}`)
    assert.equal(client.responses().length, 1)
    assert.notEqual(client.closeKind, 'open')
  }
  // One that never ends is answered while it is still being sent, after less than 64 KiB.
  const endless = await RawClient.connect(gateway.url)
  let sent = 0
  await endless.send('GET /')
  while (endless.responses().length === 0 && sent < 64 * 1_024) {
    await endless.send('a'.repeat(1_024))
    sent += 1_024
    await eventually(() => endless.receivedBytes > 0, { deadlineMs: 20 }).catch(() => undefined)
  }
  assert.equal(endless.responses()[0]?.status, 414, `after ${sent} bytes`)
  await endless.waitForClose()
  endless.close()
  assert.equal(wall.requests.length, seen)
})

test('H24 what a client says about who it is reaches nobody', async () => {
  const { gateway, wall } = house()
  const forged = [
    'X-Forwarded-For: 6.6.6.6',
    'X-Forwarded-Host: evil.example',
    'X-Forwarded-Proto: https',
    'Forwarded: for=6.6.6.6;host=evil.example',
    'X-Real-IP: 6.6.6.6',
    'X-Tenant: other',
    'X-User: root',
    'X-Ferro-Request-Id: forged',
  ]
  const client = await exchangeRaw(gateway.url, whole([...forged, 'X-Request-Id: mine-1']))
  assert.deepEqual([client.responses()[0]?.status, client.responses()[0]?.header('x-request-id')], [200, 'mine-1'])
  const request = wall.requests.at(-1)
  assert.ok(request)
  assert.doesNotMatch(request.headText, /6\.6\.6\.6|evil|forged|root|other/)
  assert.equal(sentHeader(request, 'authorization'), `Bearer ${WALL_KEY}`)
  for (const id of ['x'.repeat(8_000), 'a b', 'a"b', 'a<b', '\xe4', '']) {
    const odd = await exchangeRaw(gateway.url, whole([`X-Request-Id: ${id}`]))
    assert.equal(odd.responses()[0]?.status, 200)
    assert.match(odd.responses()[0]?.header('x-request-id') ?? '', /^[0-9a-f-]{36}$/, id.slice(0, 20))
  }
  await assertFramingRefused(house(), [LENGTH, `X-Request-Id: ${'x'.repeat(10_240)}`], {
    body: CHAT_BODY,
    statuses: [431],
  })
  await assertFramingRefused(house(), [LENGTH, 'X-Request-Id: a\r b'], { body: CHAT_BODY })
})

test('H27 methods that a route does not have are refused, and no header changes the method', async () => {
  const { wall } = house()
  const seen = wall.requests.length
  for (const [line, statuses] of [
    ['TRACE /v1/models HTTP/1.1', [405, 501]],
    ['TRACE /v1/chat/completions HTTP/1.1', [405, 501]],
    ['CONNECT /v1/models HTTP/1.1', [405, 501]],
    ['get /v1/models HTTP/1.1', [405, 501]],
    ['post /v1/chat/completions HTTP/1.1', [405, 501]],
    ['PRI * HTTP/2.0', [505]],
    ['PRI * HTTP/1.1', [400, 405, 501]],
    ['GET\t/v1/models HTTP/1.1', [400]],
    ['GET\t/v1/models\tHTTP/1.1', [400]],
    [`${'M'.repeat(100)} /v1/models HTTP/1.1`, [400, 405, 501]],
    ['G@T /v1/models HTTP/1.1', [400]],
  ] as const) {
    const bytes = whole([], line)
    const client = await exchangeRaw(house().gateway.url, bytes)
    const got = client.responses().map(({ status }) => status)
    assert.ok(got.length === 1 && statuses.some((status) => status === got[0]), `${got.join()} for ${line}`)
    assert.notEqual(client.closeKind, 'open')
    // What it sent does not come back, as TRACE would have it.
    assert.ok(!client.received.toString().includes(house().key.secret))
  }
  assert.equal(wall.requests.length, seen)
  for (const name of ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override']) {
    const bytes = whole([`${name}: DELETE`], 'GET /v1/models HTTP/1.1')
      .replace(CHAT_BODY, '')
      .replace(LENGTH, 'X-No: body')
    assert.deepEqual(await statusesOf(bytes), [200], name)
    assert.deepEqual(await statusesOf(whole([`${name}: POST`], 'PUT /v1/chat/completions HTTP/1.1')), [405], name)
  }
})
