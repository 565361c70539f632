import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { type Answer, ask, filesConfig, makeFolder, startRoute } from '../../../test/request-path/site.ts'
import { GatewayError } from '../errors.ts'
import type { Hook } from '../phases.ts'
import { createEncodeGate } from './encode.ts'
import type { EncodeConfig } from './encoding-rules.ts'
import { createFileHandler } from './files.ts'
import { reply } from './reply.ts'

const CONFIG: EncodeConfig = {
  algorithms: ['zstd', 'br', 'gzip'],
  minimum: 1_024,
  types: ['text/*', 'application/json'],
}
const TEXT = 'The same words again. '.repeat(400)

const replying =
  (status: number, headers: readonly string[], body = TEXT): Hook =>
  (x) => {
    reply(x, status, [...headers], body)
    return null
  }

function decoded({ headers, body }: Answer): string {
  switch (headers['content-encoding']) {
    case 'gzip':
      return String(gunzipSync(body))
    case 'br':
      return String(brotliDecompressSync(body))
    case 'zstd':
      return String(zstdDecompressSync(body))
    default:
      return String(body)
  }
}

test('a whole answer is compressed as the client wants it most', async (t) => {
  const headers = ['content-type', 'Text/HTML; charset=utf-8', 'etag', '"a"', 'accept-ranges', 'bytes']
  const edge = await startRoute(t, { admit: [createEncodeGate(CONFIG)], inspect: replying(200, headers) })
  for (const [accept, coding] of [
    ['gzip', 'gzip'],
    ['br', 'br'],
    ['zstd', 'zstd'],
    ['gzip, br, zstd', 'zstd'],
    ['gzip, br;q=0.9', 'gzip'],
  ] as const) {
    const got = await ask(edge.url, '/', { headers: { 'accept-encoding': accept } })
    assert.equal(got.headers['content-encoding'], coding)
    assert.equal(decoded(got), TEXT)
    assert.ok(got.body.length < TEXT.length / 10)
    assert.equal(got.headers['content-length'], String(got.body.length))
    assert.equal(got.headers['vary'], 'accept-encoding')
    assert.equal(got.headers['etag'], 'W/"a"')
    assert.equal(got.headers['accept-ranges'], undefined)
    const head = await ask(edge.url, '/', { method: 'HEAD', headers: { 'accept-encoding': accept } })
    assert.equal(head.headers['content-encoding'], coding)
    assert.equal(head.body.length, 0)
    assert.notEqual(head.headers['content-length'], String(TEXT.length))
  }
  assert.deepEqual(edge.faults, [])
})

test('what must not be compressed passes as it is, and caches learn where that depends on the client', async (t) => {
  const text = ['content-type', 'text/plain']
  for (const [status, headers, body, accept, vary] of [
    [200, text, TEXT, '', 'accept-encoding'],
    [200, text, TEXT, 'gzip;q=0', 'accept-encoding'],
    [200, text, 'short', 'gzip', 'accept-encoding'],
    [200, text, '', 'gzip;q=1, identity;q=0', 'accept-encoding'],
    [200, [...text, 'vary', 'Origin, Accept-Encoding'], TEXT, '', 'Origin, Accept-Encoding'],
    [200, [...text, 'vary', '*'], TEXT, '', '*'],
    [200, ['content-type', 'image/png'], TEXT, 'gzip', undefined],
    [200, ['content-type', 'text/event-stream; charset=utf-8'], TEXT, 'gzip', undefined],
    [200, [], TEXT, 'gzip', undefined],
    [200, [...text, 'content-encoding', 'br'], TEXT, 'gzip', undefined],
    [200, [...text, 'cache-control', 'public, No-Transform'], TEXT, 'gzip', undefined],
    [200, [...text, 'repr-digest', 'sha-256=:aa:'], TEXT, 'gzip', undefined],
    [206, [...text, 'content-range', 'bytes 0-8799/9000'], TEXT, 'gzip', undefined],
    [204, text, '', 'gzip', undefined],
    [304, text, '', 'gzip', 'accept-encoding'],
  ] as const) {
    const name = JSON.stringify([status, headers, accept])
    const edge = await startRoute(t, { admit: [createEncodeGate(CONFIG)], inspect: replying(status, headers, body) })
    const got = await ask(edge.url, '/', accept === '' ? {} : { headers: { 'accept-encoding': accept } })
    assert.equal(got.status, status)
    const before = headers.some((header) => header === 'content-encoding') ? 'br' : undefined
    assert.equal(got.headers['content-encoding'], before, name)
    assert.equal(String(got.body), body, name)
    assert.equal(got.headers['vary'], vary, name)
  }
})

test('who refuses answers as they are gets short ones compressed too', async (t) => {
  const inspect = replying(200, ['content-type', 'text/plain'], 'short')
  const edge = await startRoute(t, { admit: [createEncodeGate(CONFIG)], inspect })
  const got = await ask(edge.url, '/', { headers: { 'accept-encoding': 'gzip, identity;q=0' } })
  assert.deepEqual([got.headers['content-encoding'], decoded(got)], ['gzip', 'short'])
})

test('errors are compressed like answers', async (t) => {
  const edge = await startRoute(t, {
    admit: [createEncodeGate({ ...CONFIG, minimum: 10 }), () => new GatewayError('not_found', TEXT)],
  })
  const got = await ask(edge.url, '/', { headers: { 'accept-encoding': 'br' } })
  assert.deepEqual([got.status, got.headers['content-encoding']], [404, 'br'])
  assert.match(decoded(got), /"code":"not_found"/)
})

test('files pass through it: small and large, and the parts of one stay parts', async (t) => {
  const large = `${TEXT}${randomBytes(3_000_000).toString('hex')}`
  const root = makeFolder(t, { 'a.txt': TEXT, 'large.txt': large, 'b.png': TEXT })
  const inspect = createFileHandler(filesConfig(root))
  const edge = await startRoute(t, { admit: [createEncodeGate(CONFIG)], inspect })
  for (const coding of ['gzip', 'br', 'zstd']) {
    for (const [path, content] of [
      ['/a.txt', TEXT],
      ['/large.txt', large],
    ] as const) {
      const got = await ask(edge.url, path, { headers: { 'accept-encoding': coding } })
      assert.equal(got.headers['content-encoding'], coding)
      assert.ok(decoded(got) === content, `${path} ${coding}`)
      const head = await ask(edge.url, path, { method: 'HEAD', headers: { 'accept-encoding': coding } })
      assert.deepEqual(
        [head.headers['content-encoding'], head.headers['content-length'], head.headers['etag']],
        [coding, undefined, got.headers['etag']],
      )
      const again = await ask(edge.url, path, {
        headers: { 'accept-encoding': coding, 'if-none-match': got.headers['etag'] ?? '' },
      })
      assert.deepEqual([again.status, again.headers['vary']], [304, 'accept-encoding'])
      const part = await ask(edge.url, path, { headers: { 'accept-encoding': coding, range: 'bytes=0-2999' } })
      assert.deepEqual([part.status, String(part.body)], [206, content.slice(0, 3_000)])
      // What was compressed on the way has no parts: its tag does not hold for a range.
      const resumed = await ask(edge.url, path, {
        headers: { 'accept-encoding': coding, range: 'bytes=5-9', 'if-range': got.headers['etag'] ?? '' },
      })
      assert.equal(resumed.status, 200)
    }
  }
  const picture = await ask(edge.url, '/b.png', { headers: { 'accept-encoding': 'gzip' } })
  assert.equal(picture.headers['content-encoding'], undefined)
  assert.deepEqual(edge.faults, [])
})
