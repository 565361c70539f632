import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { errorCode } from '../harness/client.ts'
import { parseJson } from '../harness/json.ts'
import { RawClient } from '../harness/raw-client.ts'
import { scanBytes } from '../harness/secret-scan.ts'
import { residentBytes, useHouse } from './house.ts'

const LIMIT = 256 * 1_024
const house = useHouse({ more: { limits: { body: LIMIT } } })

const chat = (content: string) => JSON.stringify({ model: 'ok', messages: [{ role: 'user', content }] })

test('L5 refuses a body above the limit before it is read, with a length and in chunks', async () => {
  const { gateway, wall, key } = house()
  const seen = wall.requests.length
  const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\nAuthorization: Bearer ${key.secret}\r\n`
  const sized = await RawClient.connect(gateway.url)
  await sized.send(`${head}Content-Length: ${LIMIT + 1}\r\n\r\n`)
  const [refused] = await sized.waitForResponses()
  assert.equal(refused?.status, 413, 'the length alone decides: not one byte of the body was sent')
  sized.close()

  const chunked = await RawClient.connect(gateway.url)
  await chunked.send(`${head}Transfer-Encoding: chunked\r\n\r\n`)
  const piece = Buffer.from(`4000\r\n${' '.repeat(16_384)}\r\n`)
  for (let sent = 0; sent <= LIMIT; sent += 16_384) await chunked.send(piece)
  const [late] = await chunked.waitForResponses()
  assert.equal(late?.status, 413, 'one piece above the limit decides, the end of the body was never sent')
  assert.equal(errorCode(parseJson(late?.body.toString() ?? '')), 'request_too_large')
  chunked.close()
  assert.equal(wall.requests.length, seen)

  const overhead = chat('').length
  assert.equal(
    (await house().client.chat({ body: { messages: [{ role: 'user', content: 'x'.repeat(LIMIT - overhead - 200) }] } }))
      .status,
    200,
  )
})

test('L6 a body that is compressed, however often, is refused before anything is decoded', async () => {
  const { gateway, wall, key } = house()
  const seen = wall.requests.length
  const before = residentBytes(gateway.pid)
  const plain = chat('x')
  // A hundred mebibytes in a hundred kibibytes, and the same once more.
  const bomb = gzipSync(Buffer.alloc(100 * 1_048_576, ' '), { level: 9 })
  const bodies: readonly (readonly [encoding: string, body: Buffer])[] = [
    ['gzip', gzipSync(plain)],
    ['gzip', bomb],
    ['gzip, gzip', gzipSync(bomb)],
    ['br', brotliCompressSync(plain)],
    ['gzip, identity', gzipSync(plain)],
    [Array(1_000).fill('gzip').join(','), gzipSync(plain)],
  ]
  for (const [encoding, body] of bodies) {
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key.secret}`,
        'content-type': 'application/json',
        'content-encoding': encoding,
      },
      body: new Uint8Array(body),
    })
    await answer.arrayBuffer()
    assert.equal(answer.status, 415, encoding.slice(0, 40))
  }
  assert.equal(wall.requests.length, seen)
  assert.ok(residentBytes(gateway.pid) - before <= 32 * 1_048_576)
})

test('L7 hostile JSON is refused or relayed within a second, and delays nobody else', async () => {
  const { gateway, wall } = house()
  const message = '"messages":[{"role":"user","content":"a"}]'
  const rows: readonly (readonly [name: string, body: string | Buffer, status: number])[] = [
    ['depth of 100,000', `{"model":"ok",${message},"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 400],
    ['open depth', `{"model":"ok",${message},"x":${'{"a":'.repeat(40_000)}`, 400],
    ['a duplicate model', `{"model":"ok","model":"ok",${message}}`, 400],
    ['a duplicate model, escaped', `{"model":"ok","mod\\u0065l":"other",${message}}`, 400],
    ['a duplicate stream', `{"stream":false,"model":"ok",${message},"str\\u0065am":true}`, 400],
    ['duplicate messages', `{"model":"ok",${message},${message}}`, 400],
    ['a duplicate max_tokens', `{"model":"ok","max_tokens":1,"max_tokens":100000,${message}}`, 400],
    ['a byte order mark', `\ufeff{"model":"ok",${message}}`, 400],
    ['invalid UTF-8', Buffer.from(`{"model":"ok","x":"\xff\xfe",${message}}`, 'latin1'), 400],
    ['an overlong encoding', Buffer.from(`{"model":"ok","x":"\xc0\xaf",${message}}`, 'latin1'), 400],
    ['trailing data', `{"model":"ok",${message}}{}`, 400],
    ['no JSON', 'model=ok', 400],
    ['an array', '[]', 400],
    ['nothing', '', 400],
    ['null', 'null', 400],
    ['a model that is no string', `{"model":["ok"],${message}}`, 400],
    ['no model', `{${message}}`, 400],
    ['a control character', `{"model":"ok","x":"\u0001",${message}}`, 400],
    [
      '20,000 keys',
      `{"model":"ok",${message},${Array.from({ length: 20_000 }, (_v, i) => `"k${i}":1`).join(',')}}`,
      200,
    ],
    [
      'integer-like keys',
      `{"model":"ok",${message},${Array.from({ length: 10_000 }, (_v, i) => `"${i * 65_536}":1`).join(',')}}`,
      200,
    ],
    ['1e400', `{"model":"ok",${message},"x":1e400}`, 200],
    ['a long string', `{"model":"ok","messages":[{"role":"user","content":"${'x'.repeat(200_000)}"}]}`, 200],
  ]
  for (const [name, body, status] of rows) {
    const seen = wall.requests.length
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body)
    const head = house().chatBytes('').replace('Content-Length: 0', `Content-Length: ${bytes.length}`)
    const client = await RawClient.connect(gateway.url)
    const started = performance.now()
    await client.send(Buffer.concat([Buffer.from(head), bytes]))
    const ping = fetch(`${gateway.url}/healthz`).then((response) => response.arrayBuffer())
    await ping
    const pingMs = performance.now() - started
    const [response] = await client.waitForResponses()
    const tookMs = performance.now() - started
    client.close()
    assert.equal(response?.status, status, `${name}: ${response?.body.toString().slice(0, 200)}`)
    assert.ok(tookMs < 1_000 && pingMs < 750, `${name} took ${tookMs} ms, a ping beside it ${pingMs} ms`)
    assert.equal(wall.requests.length - seen, status === 200 ? 1 : 0, name)
  }
})

test('L16 an anonymous upload without end is cut off, and nothing of it is logged', async () => {
  const { gateway } = house()
  const canary = 'anonymous-upload-canary-8c1f'
  const targets = [
    [gateway.url, '/v1/chat/completions'],
    [gateway.url, '/healthz'],
    [gateway.url, '/v1/nothing'],
    [gateway.controlUrl, '/metrics'],
    [gateway.controlUrl, '/admin/v1/keys'],
  ] as const
  const piece = Buffer.from(canary.repeat(2_340).slice(0, 65_536))
  const most = 256 * 1_024 * 1_024
  for (const [base, path] of targets) {
    const client = await RawClient.connect(base)
    await client.send(
      `POST ${path} HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\nContent-Length: ${2 ** 30}\r\n\r\n`,
    )
    let sent = 0
    while (sent < most && client.closeKind === 'open' && !client.socket.destroyed) {
      await Promise.race([client.send(piece), client.waitForClose(10_000).catch(() => 'open')])
      sent += piece.length
    }
    const kind = client.closeKind
    const status = client.responses()[0]?.status ?? 0
    client.close()
    assert.notEqual(kind, 'open', `${path} took ${sent} bytes and more`)
    // The kernels' buffers on both sides hold some megabytes; what counts is that it ends.
    assert.ok(sent < 64 * 1_024 * 1_024, `${path} took ${sent} bytes`)
    assert.ok(status === 0 || (status >= 400 && status < 500), `${path} answered ${status}`)
  }
  assert.deepEqual(scanBytes(gateway.stdout.text + gateway.stderr.text, 'output', [canary]), [])
})
