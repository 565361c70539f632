import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../../../test/harness/eventually.ts'
import { RawClient } from '../../../test/harness/raw-client.ts'
import { ask, filesConfig, makeFolder, startRoute } from '../../../test/request-path/site.ts'
import { createFileHandler } from './files.ts'
import { TRUST_MS } from './recent-files.ts'

/** A clock by which everything found is long ago. */
function forgetful(): () => number {
  let ms = 0
  return () => (ms += 1_000)
}

const PAGE = '<!doctype html><title>Home</title>\n'
const LARGE = Buffer.alloc(1_000_000, 'abcdefghijklmnopqrstuvwxyz')

test('a file is sent with its type, length and validators, and HEAD gets the same head', async (t) => {
  const root = makeFolder(t, { 'index.html': PAGE, 'a b/ü.css': 'a{}', 'large.bin': LARGE, empty: '' })
  const edge = await startRoute(t, { inspect: createFileHandler(filesConfig(root, { cache_control: 'max-age=60' })) })
  for (const [path, type, body] of [
    ['/index.html', 'text/html; charset=utf-8', Buffer.from(PAGE)],
    ['/', 'text/html; charset=utf-8', Buffer.from(PAGE)],
    ['/a%20b/%C3%BC.css', 'text/css; charset=utf-8', Buffer.from('a{}')],
    ['/large.bin', 'application/octet-stream', LARGE],
    ['/empty', 'application/octet-stream', Buffer.alloc(0)],
  ] as const) {
    const got = await ask(edge.url, path)
    assert.equal(got.status, 200, path)
    assert.ok(got.body.equals(body), path)
    assert.equal(got.headers['content-type'], type)
    assert.equal(got.headers['content-length'], String(body.length))
    assert.equal(got.headers['x-content-type-options'], 'nosniff')
    assert.equal(got.headers['cache-control'], 'max-age=60')
    assert.match(got.headers['etag'] ?? '', /^"[\w-]{22}"$/)
    const head = await ask(edge.url, path, { method: 'HEAD' })
    const { date: _one, 'x-request-id': _two, 'x-ferro-request-id': _three, ...expected } = got.headers
    const { date: _four, 'x-request-id': _five, 'x-ferro-request-id': _six, ...headers } = head.headers
    assert.deepEqual({ ...head, headers }, { status: 200, headers: expected, body: Buffer.alloc(0), cut: false })
  }
  const settled = await edge.settled(10)
  assert.deepEqual(
    settled.map(({ end, x }) => [end, x.bytesOut]),
    [PAGE.length, PAGE.length, 3, LARGE.length, 0].flatMap((bytes) => [
      ['success', bytes],
      ['success', 0],
    ]),
  )
  assert.deepEqual(edge.faults, [])
})

test('only GET and HEAD are taken', async (t) => {
  const edge = await startRoute(t, { inspect: createFileHandler(filesConfig(makeFolder(t, { a: 'a' }))) })
  for (const method of ['POST', 'DELETE', 'OPTIONS']) {
    const { status, headers } = await ask(edge.url, '/a', { method })
    assert.deepEqual([status, headers['allow']], [405, 'GET, HEAD'])
  }
})

test('a folder without its slash is redirected, relative to where the client is', async (t) => {
  const root = makeFolder(t, { 'docs/index.html': PAGE, 'docs/x:y/index.html': PAGE, 'docs/none/a': '' })
  const edge = await startRoute(t, { inspect: createFileHandler(filesConfig(root)) })
  const location = async (path: string) => {
    const { status, headers } = await ask(edge.url, path)
    return [status, headers['location']]
  }
  assert.deepEqual(await location('/docs?q=1'), [308, './docs/?q=1'])
  assert.deepEqual(await location('/docs/x:y'), [308, './x:y/'])
  assert.equal((await ask(edge.url, '/docs/')).status, 200)
  assert.equal((await ask(edge.url, '/docs/none/')).status, 404)
  assert.equal((await ask(edge.url, '/docs/index.html/')).status, 404)
})

test('what does not exist is 404, or the fallback of an application', async (t) => {
  const root = makeFolder(t, { 'app.html': PAGE, 'docs/a': 'a', '.env': 'SECRET=1' })
  const plain = await startRoute(t, { inspect: createFileHandler(filesConfig(root)) })
  assert.equal((await ask(plain.url, '/users/7')).status, 404)
  const single = await startRoute(t, { inspect: createFileHandler(filesConfig(root, { fallback: '/app.html' })) })
  for (const path of ['/users/7', '/', '/docs/']) {
    const { status, headers, body } = await ask(single.url, path)
    assert.deepEqual([status, headers['content-type'], String(body)], [200, 'text/html; charset=utf-8', PAGE], path)
  }
  assert.equal(String((await ask(single.url, '/docs/a')).body), 'a')
  assert.equal((await ask(single.url, '/.env')).status, 404)
})

test('names that begin with a dot are served only where the route says so', async (t) => {
  const root = makeFolder(t, { '.env': 'a', '.git/config': 'b', 'a/.b': 'c', '.well-known/x': 'd' })
  const refusing = await startRoute(t, { inspect: createFileHandler(filesConfig(root)) })
  const serving = await startRoute(t, { inspect: createFileHandler(filesConfig(root, { hidden: 'serve' })) })
  for (const path of ['/.env', '/.git/config', '/a/.b', '/.well-known/x']) {
    assert.equal((await ask(refusing.url, path)).status, 404, path)
    assert.equal((await ask(serving.url, path)).status, 200, path)
  }
})

test('U7 no path leads out of the folder', async (t) => {
  const outside = makeFolder(t, { passwd: 'root', 'sub/passwd': 'root' })
  const root = makeFolder(t, { 'a.js': '1', 'deep/a': '2' })
  symlinkSync(join(outside, 'passwd'), join(root, 'link.txt'))
  symlinkSync(outside, join(root, 'folder'))
  symlinkSync(`../../${outside.split('/').at(-1)}/passwd`, join(root, 'deep/relative'))
  symlinkSync('a.js', join(root, 'inside.js'))
  symlinkSync('loop', join(root, 'loop'))
  symlinkSync('/dev/zero', join(root, 'zero'))
  execFileSync('mkfifo', [join(root, 'pipe')])
  const edge = await startRoute(t, { inspect: createFileHandler(filesConfig(root, { hidden: 'serve' })) })
  for (const path of [
    '/link.txt',
    '/folder/passwd',
    '/folder',
    '/folder/sub/',
    '/deep/relative',
    '/loop',
    '/zero',
    '/pipe',
  ]) {
    assert.equal((await ask(edge.url, path)).status, 404, path)
  }
  for (const path of [
    '/..%2f..%2fetc/passwd',
    '/%2e%2e/etc/passwd',
    '/a%00.js',
    '/a.js%00',
    '/..\\etc',
    '/a%5c..%5c',
    '//etc/passwd',
  ]) {
    const { status, body } = await ask(edge.url, path)
    assert.ok(status === 404 || status === 400, `${path} ${status}`)
    assert.ok(!String(body).includes('root:'))
  }
  assert.equal(String((await ask(edge.url, '/inside.js')).body), '1')
  assert.deepEqual(edge.faults, [])
})

test('the folder may be a link that is pointed elsewhere while it is served', async (t) => {
  const first = makeFolder(t, { a: 'first' })
  const second = makeFolder(t, { a: 'second' })
  const links = makeFolder(t, {})
  symlinkSync(first, join(links, 'current'))
  const edge = await startRoute(t, {
    inspect: createFileHandler(filesConfig(join(links, 'current')), { now: forgetful() }),
  })
  assert.equal(String((await ask(edge.url, '/a')).body), 'first')
  symlinkSync(second, join(links, 'next'))
  renameSync(join(links, 'next'), join(links, 'current'))
  assert.equal(String((await ask(edge.url, '/a')).body), 'second')
})

test('a folder that is not there is said when the handler is made', () => {
  assert.throws(() => createFileHandler(filesConfig('/nonexistent/folder')), /\/nonexistent\/folder is no folder/)
})

test('a compressed file beside it is sent to those who take it, as another representation', async (t) => {
  const root = makeFolder(t, {
    'a.js': 'plain',
    'a.js.gz': 'gzip',
    'a.js.br': 'brotli',
    'a.js.zst': 'zstd',
    'b.css': 'plain',
    'c.png': 'plain',
    'c.png.gz': 'gzip',
    'index.html': 'plain',
    'index.html.br': 'brotli',
  })
  const edge = await startRoute(t, { inspect: createFileHandler(filesConfig(root)) })
  const got = async (path: string, accept: string) => {
    const { headers, body } = await ask(edge.url, path, { headers: { 'accept-encoding': accept } })
    return [String(body), headers['content-encoding'], headers['content-type'], headers['vary']]
  }
  const script = 'text/javascript; charset=utf-8'
  assert.deepEqual(await got('/a.js', 'gzip, deflate, br, zstd'), ['zstd', 'zstd', script, 'accept-encoding'])
  assert.deepEqual(await got('/a.js', 'gzip, br;q=0.5'), ['gzip', 'gzip', script, 'accept-encoding'])
  assert.deepEqual(await got('/a.js', 'br;q=0, *'), ['zstd', 'zstd', script, 'accept-encoding'])
  assert.deepEqual(await got('/a.js', 'identity, gzip;q=0.5'), ['plain', undefined, script, 'accept-encoding'])
  assert.deepEqual(await got('/a.js', ''), ['plain', undefined, script, 'accept-encoding'])
  assert.deepEqual(await got('/b.css', 'gzip'), ['plain', undefined, 'text/css; charset=utf-8', 'accept-encoding'])
  assert.deepEqual(await got('/c.png', 'gzip'), ['plain', undefined, 'image/png', undefined])
  assert.deepEqual(await got('/', 'br'), ['brotli', 'br', 'text/html; charset=utf-8', 'accept-encoding'])
  const plain = await ask(edge.url, '/a.js')
  const gzip = await ask(edge.url, '/a.js', { headers: { 'accept-encoding': 'gzip' } })
  assert.notEqual(plain.headers['etag'], gzip.headers['etag'])
  const part = await ask(edge.url, '/a.js', { headers: { 'accept-encoding': 'gzip', range: 'bytes=1-2' } })
  assert.deepEqual([part.status, String(part.body), part.headers['content-range']], [206, 'zi', 'bytes 1-2/4'])
  const off = await startRoute(t, { inspect: createFileHandler(filesConfig(root, { precompressed: false })) })
  const left = await ask(off.url, '/a.js', { headers: { 'accept-encoding': 'gzip' } })
  assert.deepEqual([String(left.body), left.headers['vary']], ['plain', undefined])
})

test('a changed file has another tag, also one put in its place with the same length and time', async (t) => {
  const root = makeFolder(t, { a: 'one' })
  const edge = await startRoute(t, { inspect: createFileHandler(filesConfig(root), { now: forgetful() }) })
  const tags = new Set([(await ask(edge.url, '/a')).headers['etag']])
  writeFileSync(join(root, 'a'), 'three')
  tags.add((await ask(edge.url, '/a')).headers['etag'])
  execFileSync('cp', ['-p', join(root, 'a'), join(root, 'b')])
  renameSync(join(root, 'b'), join(root, 'a'))
  tags.add((await ask(edge.url, '/a')).headers['etag'])
  assert.equal(tags.size, 3)
})

test('several ranges come as parts, each with its place', async (t) => {
  const root = makeFolder(t, { 'a.txt': LARGE })
  const edge = await startRoute(t, { inspect: createFileHandler(filesConfig(root)) })
  const headers = { range: 'bytes=900000-999999,0-9,100-200' }
  const { status, headers: got, body } = await ask(edge.url, '/a.txt', { headers })
  assert.equal(status, 206)
  const boundary = /^multipart\/byteranges; boundary=([\w-]+)$/.exec(got['content-type'] ?? '')?.[1] ?? ''
  const parts = body.toString('latin1').split(`--${boundary}`)
  assert.equal(parts.length, 5)
  assert.equal(parts.at(-1), '--\r\n')
  for (const [at, [start, end]] of [
    [900_000, 999_999],
    [0, 9],
    [100, 200],
  ].entries()) {
    const [lines, content] = parts[at + 1]?.split('\r\n\r\n') ?? []
    assert.equal(lines, `\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-range: bytes ${start}-${end}/1000000`)
    assert.equal(content, `${LARGE.subarray(start, (end ?? 0) + 1).toString('latin1')}\r\n`)
  }
  assert.equal(got['content-length'], String(body.length))
})

test('a file that becomes shorter while it is sent cuts the answer', async (t) => {
  const root = makeFolder(t, { 'a.bin': Buffer.alloc(50_000_000) })
  const edge = await startRoute(t, { inspect: createFileHandler(filesConfig(root)) })
  const client = await RawClient.connect(edge.url)
  t.after(() => client.close())
  await client.send('GET /a.bin HTTP/1.1\r\nhost: a\r\n\r\n')
  await eventually(() => client.receivedBytes > 0, { what: 'the first bytes' })
  client.setReading('paused')
  truncateSync(join(root, 'a.bin'), 1_000)
  client.setReading('flowing')
  await client.waitForClose()
  assert.ok(client.receivedBytes < 50_000_000)
  const [{ end, error } = {}] = await edge.settled()
  assert.deepEqual([end, error?.code], ['gateway_error', 'internal_error'])
})

test('a client that does not read holds only a piece of the file, and one that leaves closes it', async (t) => {
  const root = makeFolder(t, { 'a.bin': Buffer.alloc(50_000_000) })
  const edge = await startRoute(t, { inspect: createFileHandler(filesConfig(root)) })
  const openFiles = () =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(`${root}/`)
      } catch {
        return false // closed meanwhile
      }
    }).length
  const client = await RawClient.connect(edge.url)
  client.setReading('paused')
  await client.send('GET /a.bin HTTP/1.1\r\nhost: a\r\n\r\n')
  const x = await eventually(() => [...edge.gateway.exchanges][0], { what: 'the request' })
  let before = 0
  const stands = () => {
    const last = before
    before = x.client.unsentBytes
    return before > 0 && before === last
  }
  await eventually(stands, { what: 'the answer to stand still', everyMs: 50 })
  assert.ok(x.client.unsentBytes <= 2 * 65_536, `${x.client.unsentBytes} bytes wait`)
  if (process.platform === 'linux') assert.equal(openFiles(), 1)
  client.abort()
  const [{ end } = {}] = await edge.settled()
  assert.equal(end, 'cancelled')
  if (process.platform === 'linux') await eventually(() => openFiles() === 0, { what: 'the file to be closed' })
})

test('what was found is taken to be still so for a tenth of a second, and no longer', async (t) => {
  const root = makeFolder(t, { a: 'one' })
  let now = 0
  const edge = await startRoute(t, { inspect: createFileHandler(filesConfig(root), { now: () => now }) })
  const got = async (path: string) => String((await ask(edge.url, path)).body)
  assert.equal(await got('/a'), 'one')
  assert.match(await got('/b'), /not_found/)
  writeFileSync(join(root, 'a'), 'another')
  writeFileSync(join(root, 'b'), 'new')
  now = TRUST_MS
  const { headers, body } = await ask(edge.url, '/a')
  assert.deepEqual([String(body), headers['content-length']], ['one', '3'])
  assert.match(await got('/b'), /not_found/)
  now = TRUST_MS + 1
  assert.deepEqual([await got('/a'), await got('/b')], ['another', 'new'])
})

test('files come, change and go while they are asked for', async (t) => {
  const root = makeFolder(t, { 'd/a': 'x' })
  const edge = await startRoute(t, { inspect: createFileHandler(filesConfig(root), { now: forgetful() }) })
  let turns = 0
  const churn = setInterval(() => {
    turns++
    rmSync(join(root, 'd'), { recursive: true, force: true })
    if (turns % 2 === 0) return
    mkdirSync(join(root, 'd'))
    writeFileSync(join(root, 'd/a'), 'x'.repeat(turns * 100))
  }, 1)
  t.after(() => clearInterval(churn))
  const statuses = new Set<number>()
  for (let round = 0; round < 20; round++) {
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(edge.url, '/d/a')))
    for (const { status, headers, body, cut } of answers) {
      statuses.add(status)
      if (status === 200 && !cut) assert.equal(body.length, Number(headers['content-length']))
    }
  }
  for (const status of statuses) assert.ok([200, 404, 503].includes(status), String(status))
  assert.deepEqual(edge.faults, [])
})
