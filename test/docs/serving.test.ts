/** The configurations of the pages on files and on compression do what the pages say of them. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseConfig } from '../../src/config/index.ts'
import { ask } from '../harness/ask.ts'
import { Gateway } from '../harness/gateway.ts'
import { readPage } from './pages.ts'

/** The configurations of a page, in their order; `count` fails the test when a block is added that nobody tries. */
function configurations(path: string, count: number): string[] {
  const texts = readPage(path).blocks.flatMap(({ language, text }) => (language === 'yaml' ? [text] : []))
  assert.equal(texts.length, count, `${path}: every configuration is tried here`)
  return texts
}

/** Serves a configuration of a page, whose folders under `/srv` hold these files. */
async function serve(t: TestContext, text: string, files: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'ferro-serving-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) {
    const file = join(folder, name)
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, content)
  }
  const more = 'listen: 127.0.0.1:0\ncontrol: { listen: "127.0.0.1:0" }\nworkers: 1\n'
  const gateway = await Gateway.start({ config: more + text.replaceAll('/srv', folder) })
  t.after(() => gateway.close())
  return (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    ask(gateway.url + path, { headers, method })
}

test('docs/static-files.md: the first configuration serves the files of a folder', async (t) => {
  const [text = ''] = configurations('docs/static-files.md', 2)
  const get = await serve(t, text, {
    'site/index.html': '<p>home',
    'site/css/a.css': 'a{}',
    'site/css/a.css.gz': 'small',
    'site/.secret': 'no',
    'outside.txt': 'no',
  })
  const home = await get('/')
  assert.deepEqual([home.status, home.text, home.headers['cache-control']], [200, '<p>home', 'public, max-age=300'])
  assert.match(String(home.headers['content-type']), /^text\/html/)
  const css = await get('/css/a.css')
  assert.deepEqual([css.status, css.text, css.headers['accept-ranges']], [200, 'a{}', 'bytes'])
  assert.equal((await get('/css/a.css', { 'accept-encoding': 'gzip' })).headers['content-encoding'], 'gzip')
  assert.equal((await get('/css/a.css', { range: 'bytes=0-0' })).status, 206)
  assert.equal((await get('/css/a.css', { range: 'bytes=9-' })).status, 416)
  const etag = String(css.headers['etag'])
  const unchanged = await get('/css/a.css', { 'if-none-match': etag })
  assert.deepEqual([unchanged.status, unchanged.headers['cache-control']], [304, 'public, max-age=300'])
  assert.equal((await get('/css/a.css', { 'if-match': '"other"' })).status, 412)
  const folder = await get('/css')
  assert.equal(folder.status, 308)
  for (const path of ['/css/', '/none', '/.secret', '/..%2foutside.txt']) {
    assert.match(String((await get(path)).status), /^40[04]$/, path)
  }
  const posted = await get('/css/a.css', {}, 'POST')
  assert.deepEqual([posted.status, posted.headers['allow']], [405, 'GET, HEAD'])
})

test('docs/static-files.md: the second configuration serves an application of one page', async (t) => {
  const [, text = ''] = configurations('docs/static-files.md', 2)
  const get = await serve(t, text, { 'app/index.html': '<p>app', 'app/assets/x-1234.js': 'x()' })
  const asset = await get('/assets/x-1234.js')
  assert.deepEqual([asset.text, asset.headers['cache-control']], ['x()', 'public, max-age=31536000, immutable'])
  assert.equal((await get('/assets/none.js')).status, 404)
  for (const path of ['/', '/orders/7']) {
    const page = await get(path)
    assert.deepEqual([page.status, page.text, page.headers['cache-control']], [200, '<p>app', 'no-cache'], path)
  }
})

test('docs/compression.md: what is said to be the same is, and does what the table says', async (t) => {
  const [short = '', long = ''] = configurations('docs/compression.md', 2)
  const routes = await Promise.all(
    [short, long].map(async (text) => {
      const result = await parseConfig(text, { path: 'ferro.yaml' })
      assert.ok(result.ok)
      return result.document.routes
    }),
  )
  assert.deepEqual(routes[0], routes[1])
  const body = 'ok '.repeat(1_000)
  for (const text of [short, long]) {
    const get = await serve(t, text.replace('body: ok', `body: "${body}"`))
    const encodings = { zstd: 'zstd', br: 'br', gzip: 'gzip', 'gzip, br;q=0.5': 'gzip', 'gzip, br, zstd': 'zstd' }
    for (const [accepted, encoding] of Object.entries(encodings)) {
      const { headers } = await get('/status', { 'accept-encoding': accepted })
      assert.deepEqual([headers['content-encoding'], headers['vary']], [encoding, 'accept-encoding'], accepted)
    }
    const plain = await get('/status')
    assert.deepEqual([plain.text, plain.headers['content-encoding']], [body, undefined])
    assert.equal(plain.headers['vary'], 'accept-encoding')
  }
  const get = await serve(t, short)
  const tooSmall = await get('/status', { 'accept-encoding': 'gzip' })
  assert.deepEqual([tooSmall.text, tooSmall.headers['content-encoding']], ['ok', undefined])
  const only = await get('/status', { 'accept-encoding': 'gzip, identity;q=0' })
  assert.equal(only.headers['content-encoding'], 'gzip')
})
