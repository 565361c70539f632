import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../harness/eventually.ts'
import { exchangeRaw, RawClient } from '../harness/raw-client.ts'
import { assertRefusedCleanly, useHouse } from './house.ts'
import { assertFramingRefused, assertHeadRefused, CHAT_BODY, chatBytesOf, chunkedOf } from './refusal.ts'

/*
 * Where a body begins and ends. H13: trailers are read over by routes that read the whole body, so none is merged into
 * anything; what routes that relay one do with them is in proxy-trailers.test.ts.
 */
const house = useHouse({ more: { limits: { body: '64KiB' } } })

const CHUNKED = 'Transfer-Encoding: chunked'
const SMUGGLED = 'GET /admin/v1/keys HTTP/1.1\r\nHost: gateway\r\n\r\n'

/** A chunked body that is refused: the answer is 400, or nothing when the connection had to be cut. */
async function assertChunksRefused(body: string, statuses: readonly number[] = [400]) {
  await assertFramingRefused(house(), [CHUNKED], { body, statuses: [...statuses, 401] })
  // With a credential it is the body that is refused.
  const bytes = chatBytesOf({ lines: ['Host: gateway', CHUNKED], body, key: house().key.secret })
  await assertRefusedCleanly(house(), bytes, { statuses })
}

test('H1 refuses Content-Length together with Transfer-Encoding, in both orders', async () => {
  const body = chunkedOf(CHAT_BODY)
  const lines = [`Content-Length: ${body.length}`, CHUNKED]
  for (const order of [lines, lines.toReversed()]) {
    await assertFramingRefused(house(), order, { body })
    for (const key of [house().key.secret, null]) {
      const bytes = chatBytesOf({ lines: ['Host: gateway', ...order], body: '0\r\n\r\n', key })
      await assertRefusedCleanly(house(), bytes, { pipelined: SMUGGLED })
    }
  }
})

test('H2 refuses two lengths, whether they agree or not, in any spelling', async () => {
  const length = CHAT_BODY.length
  for (const lines of [
    [`Content-Length: ${length}`, `Content-Length: ${length - 1}`],
    [`Content-Length: ${length - 1}`, `Content-Length: ${length}`],
    [`Content-Length: ${length}`, `Content-Length: ${length}`],
    ['Content-Length: 0', `Content-Length: ${length}`],
    [`Content-Length: ${length}, ${length}`],
    [`Content-Length: ${length},${length - 1}`],
    [`Content-Length: ${length}`, `content-LENGTH: ${length}`],
    [`CONTENT-LENGTH: ${length}`, `content-length: ${length - 1}`],
  ]) {
    await assertFramingRefused(house(), lines, { body: CHAT_BODY })
  }
})

test('H3 refuses a length that is not a plain decimal number', async () => {
  const tooMuch = ['9007199254740993', '18446744073709551621']
  const values = ['', '+5', '-1', '0x5', '5;', '5 5', '1e2', '5.0', '٥', '05', ...tooMuch, `${'0'.repeat(1_000)}5`]
  for (const value of values) await assertFramingRefused(house(), [`Content-Length: ${value}`], { body: 'hello' })
})

test('H5 refuses every transfer coding but chunked, and chunked twice', async () => {
  const body = chunkedOf(CHAT_BODY)
  for (const value of [
    'xchunked',
    'chunked, identity',
    'identity',
    'chunked;a=b',
    '\vchunked',
    'Chunked\0',
    'gzip, chunked',
    'chunked, chunked',
    'chunked,',
    '"chunked"',
    '',
  ]) {
    await assertFramingRefused(house(), [`Transfer-Encoding: ${value}`], { body, statuses: [400, 501] })
  }
  await assertFramingRefused(house(), [CHUNKED, CHUNKED], { body, statuses: [400, 501] })
  await assertFramingRefused(house(), [CHUNKED, 'transfer-encoding: identity'], { body, statuses: [400, 501] })
})

test('H6 refuses HTTP/1.0 without a length or in chunks, and other versions', async () => {
  const old = 'POST /v1/chat/completions HTTP/1.0'
  const body = chunkedOf(CHAT_BODY)
  for (const connection of ['close', 'keep-alive']) {
    const lines = ['Host: gateway', `Connection: ${connection}`]
    await assertHeadRefused(house(), [...lines, CHUNKED], { line: old, body })
    await assertHeadRefused(house(), lines, { line: old, body: CHAT_BODY })
  }
  for (const version of ['HTTP/1.2', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/3.0']) {
    const line = `POST /v1/chat/completions ${version}`
    await assertFramingRefused(house(), [`Content-Length: ${CHAT_BODY.length}`], {
      line,
      body: CHAT_BODY,
      statuses: [505],
    })
  }
  // A request of HTTP/0.9 is a line of two parts.
  await assertRefusedCleanly(house(), 'GET /v1/models\r\n\r\n', { statuses: [400, 505] })
})

test('H10 refuses malformed chunk extensions, drops valid ones and bounds them', async () => {
  for (const line of [
    '5;\n',
    '5;\0\r\n',
    '5;\r\n',
    '5;a="b\r\n',
    '5;a="b" c\r\n',
    '5; a\r\n',
    '5;;a\r\n',
    '5;\x80\r\n',
  ]) {
    await assertChunksRefused(`${line}hello\r\n0\r\n\r\n`)
  }
  // 20 KiB over many chunks.
  const many = `1;${'x'.repeat(199)}\r\n \r\n`.repeat(103)
  await assertChunksRefused(`${many}${chunkedOf(CHAT_BODY)}`, [400, 413])
  await assertChunksRefused(`1;${'x'.repeat(20_480)}\r\n \r\n${chunkedOf(CHAT_BODY)}`, [400, 413])
  const half = Math.floor(CHAT_BODY.length / 2)
  const chunk = (text: string, extension: string) => `${text.length.toString(16)}${extension}\r\n${text}\r\n`
  const body = `${chunk(CHAT_BODY.slice(0, half), ';a=b;c')}${chunk(CHAT_BODY.slice(half), ';d="e;\\"f"')}0;last\r\n\r\n`
  const bytes = chatBytesOf({ lines: ['Host: gateway', CHUNKED, 'Connection: close'], body, key: house().key.secret })
  const client = await exchangeRaw(house().gateway.url, bytes)
  assert.equal(client.responses()[0]?.status, 200, client.received.toString())
  assert.equal(house().wall.requests.at(-1)?.body.toString(), CHAT_BODY)
  assert.doesNotMatch(house().wall.requests.at(-1)?.headText ?? '', /chunked/i)
})

test('H11 refuses chunk sizes that are no plain hexadecimal numbers', async () => {
  const sizes = ['0x5', '+5', '-5', ' 5', '5 ', '5_0', '10000000000000005', '', 'g', `${'0'.repeat(4_096)}5`]
  for (const size of sizes) await assertChunksRefused(`${size}\r\nhello\r\n0\r\n\r\n`)
})

test('H12 a chunk that does not end where it says is refused', async () => {
  for (const body of [
    '5\r\nhelloo\r\n0\r\n\r\n',
    '5\r\nhello\n0\r\n\r\n',
    '5\r\nhello0\r\n\r\n',
    '5\nhello\r\n0\r\n\r\n',
  ]) {
    await assertChunksRefused(body)
  }
})

test('H12 a body that ends early with its connection reaches nobody', async () => {
  const { gateway, wall, key } = house()
  const seen = wall.requests.length
  const half = CHAT_BODY.slice(0, 20)
  for (const body of [
    `${CHAT_BODY.length.toString(16)}\r\n${half}`,
    `14\r\n${half}`,
    `14\r\n${half}\r\n`,
    `14\r\n${half}\r\n0\r\n`,
  ]) {
    for (const end of ['FIN', 'RST'] as const) {
      const client = await RawClient.connect(gateway.url)
      await client.send(chatBytesOf({ lines: ['Host: gateway', CHUNKED], body, key: key.secret }))
      if (end === 'FIN') client.finish()
      else client.abort()
      if (end === 'FIN') await client.waitForClose()
      assert.ok(client.responses().every(({ status }) => status === 400 || status === 408))
      client.close()
    }
  }
  await house().client.chat()
  assert.equal(wall.requests.length, seen + 1)
})

test('H13 trailers are never headers, and those that say how a body is framed are refused', async () => {
  const { gateway, wall, key } = house()
  const withTrailers = (trailers: string, secret: string | null) =>
    chatBytesOf({
      lines: ['Host: gateway', CHUNKED, 'Connection: close'],
      body: `${CHAT_BODY.length.toString(16)}\r\n${CHAT_BODY}\r\n0\r\n${trailers}\r\n`,
      key: secret,
    })
  for (const name of ['x-checksum', '__proto__', 'constructor', 'authorization', 'host', 'x-request-id', 'cookie']) {
    const client = await exchangeRaw(gateway.url, withTrailers(`${name}: trailing\r\n`, key.secret))
    const [response] = client.responses()
    assert.equal(response?.status, 200, `${name}: ${client.received.toString()}`)
    assert.doesNotMatch(client.received.toString(), /trailing/)
    assert.doesNotMatch(wall.requests.at(-1)?.headText ?? '', /trailing/)
  }
  // A credential that comes behind the body is none.
  const late = await exchangeRaw(gateway.url, withTrailers(`Authorization: Bearer ${key.secret}\r\n`, null))
  assert.equal(late.responses()[0]?.status, 401)
  const refused = [
    'Content-Length: 5\r\n',
    'transfer-encoding: chunked\r\n',
    ' x: y\r\n',
    'no colon\r\n',
    'x : y\r\n',
    'x: \0\r\n',
  ]
  const tooMany = ['x: y\r\n'.repeat(200), `x: ${'y'.repeat(20_000)}\r\n`]
  for (const trailers of [...refused, ...tooMany, SMUGGLED]) {
    await assertRefusedCleanly(house(), withTrailers(trailers, key.secret), { statuses: [400, 431] })
  }
})

test('a request of any framing is read the same however its bytes are cut', async () => {
  const { gateway, wall, key } = house()
  const framings = [
    [`Content-Length: ${CHAT_BODY.length}`, CHAT_BODY],
    [CHUNKED, chunkedOf(CHAT_BODY)],
  ] as const
  for (const [line, body] of framings) {
    const bytes = chatBytesOf({ lines: ['Host: gateway', line, 'Connection: close'], body, key: key.secret })
    for (const size of [1, 2, 3, 7, 50]) {
      const seen = wall.requests.length
      const client = await RawClient.connect(gateway.url)
      await client.sendSplit(bytes, size)
      await eventually(() => client.closeKind !== 'open')
      assert.equal(client.responses()[0]?.status, 200, `${line} in pieces of ${size}`)
      assert.equal(wall.requests.length, seen + 1)
      assert.equal(wall.requests.at(-1)?.body.toString(), CHAT_BODY)
      client.close()
    }
  }
})
