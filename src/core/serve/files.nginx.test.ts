/** Our answers about files beside nginx's, request by request; where they differ, why. */
import assert from 'node:assert/strict'
import { utimesSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Answer, ask, filesConfig, makeFolder, startRoute } from '../../../test/request-path/site.ts'
import { type RunningServer, serverSuite, startNginx } from '../../../test/servers/servers.ts'
import { createFileHandler } from './files.ts'

const SECOND = 1_700_000_000
const date = (seconds: number) => new Date(seconds * 1000).toUTCString()
const TEXT = 'abcdefghij'.repeat(1_000)

interface Row {
  readonly path?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Our status, where it is meant to differ from nginx's, and why. */
  readonly ours?: readonly [status: number, why: string]
}

const RFC_INVALID = 'RFC 9110, 14.2: a Range that is not valid is ignored'
const RFC_HEAD = 'RFC 9110, 14.2: Range is only for GET'

/** `TAG` stands for the server's own tag of the file. */
const ROWS: readonly Row[] = [
  {},
  { method: 'HEAD' },
  { path: '/empty.txt' },
  { path: '/none.txt' },
  { path: '/sub/' },
  { headers: { 'if-none-match': 'TAG' } },
  { headers: { 'if-none-match': 'W/TAG' } },
  { headers: { 'if-none-match': '"x", TAG' } },
  { headers: { 'if-none-match': '*' } },
  { headers: { 'if-none-match': '"x"' } },
  { method: 'HEAD', headers: { 'if-none-match': 'TAG' } },
  { headers: { 'if-match': 'TAG' } },
  { headers: { 'if-match': '"x"' } },
  { headers: { 'if-match': 'W/TAG' } },
  { headers: { 'if-match': '*' } },
  { headers: { 'if-modified-since': date(SECOND) } },
  { headers: { 'if-modified-since': date(SECOND - 1) } },
  { headers: { 'if-modified-since': date(SECOND + 1) }, ours: [304, 'nginx by default takes only the exact time'] },
  { headers: { 'if-modified-since': 'nonsense' } },
  { headers: { 'if-unmodified-since': date(SECOND) } },
  { headers: { 'if-unmodified-since': date(SECOND + 1) } },
  { headers: { 'if-unmodified-since': date(SECOND - 1) } },
  { headers: { 'if-match': '"x"', 'if-none-match': 'TAG' } },
  { headers: { 'if-match': 'TAG', 'if-none-match': 'TAG' } },
  { headers: { 'if-none-match': '"x"', 'if-modified-since': date(SECOND) } },
  {
    headers: { 'if-none-match': 'TAG', 'if-modified-since': date(SECOND - 1) },
    ours: [304, 'RFC 9110, 13.1.3: beside If-None-Match the date is ignored'],
  },
  {
    headers: { 'if-match': 'TAG', 'if-unmodified-since': date(SECOND - 1) },
    ours: [200, 'RFC 9110, 13.1.4: beside If-Match the date is ignored'],
  },
  { headers: { range: 'bytes=0-0' } },
  { headers: { range: 'bytes=0-99' } },
  { headers: { range: 'bytes=9990-' } },
  { headers: { range: 'bytes=9990-20000' } },
  { headers: { range: 'bytes=-5' } },
  { headers: { range: 'bytes=-20000' } },
  { headers: { range: 'bytes=0-' } },
  { headers: { range: 'bytes=10000-' } },
  { headers: { range: 'bytes=20000-30000' } },
  { headers: { range: 'bytes=10000-,0-1' } },
  { headers: { range: 'bytes=5-4' }, ours: [200, RFC_INVALID] },
  { headers: { range: 'bytes=a-b' }, ours: [200, RFC_INVALID] },
  { headers: { range: 'items=0-1' } },
  { headers: { range: 'bytes=0-9,500-509' } },
  { headers: { range: 'bytes=500-509,0-9' } },
  { path: '/empty.txt', headers: { range: 'bytes=0-' } },
  { method: 'HEAD', headers: { range: 'bytes=0-9' }, ours: [200, RFC_HEAD] },
  { headers: { range: 'bytes=0-9', 'if-range': 'TAG' } },
  { headers: { range: 'bytes=0-9', 'if-range': '"x"' } },
  { headers: { range: 'bytes=0-9', 'if-range': 'W/TAG' } },
  { headers: { range: 'bytes=0-9', 'if-range': date(SECOND) } },
  { headers: { range: 'bytes=0-9', 'if-range': date(SECOND - 1) } },
  { headers: { range: 'bytes=0-9', 'if-none-match': 'TAG' } },
  { headers: { range: 'bytes=0-9', 'if-match': '"x"' } },
  { headers: { 'accept-encoding': 'gzip' } },
  { headers: { 'accept-encoding': 'gzip;q=0' } },
  {
    headers: { 'accept-encoding': 'gzip', range: 'bytes=0-3' },
    ours: [206, 'nginx sends no parts of a compressed file; it is a representation with a tag of its own'],
  },
]

/** Headers that must be the same; those that are made anew each time, or name the server, are not among them. */
const COMPARED = ['content-length', 'content-range', 'last-modified', 'content-encoding', 'accept-ranges']

serverSuite('nginx', 'files', () => {
  let nginx: RunningServer | null = null
  const cleanups: (() => void)[] = []
  const files = { 'a.txt': TEXT, 'a.txt.gz': 'not really', 'empty.txt': '', 'sub/index.html': 'sub' }
  const root = makeFolder({ after: (clean: unknown) => cleanups.push(clean as () => void) }, files) // it gets a plain function
  for (const name of Object.keys(files)) utimesSync(join(root, name), SECOND, SECOND)
  before(async () => {
    nginx = await startNginx(
      ({ port }) =>
        `gzip_static on; types { text/plain txt; text/html html; } default_type application/octet-stream; server { listen 127.0.0.1:${port}; root ${root}; index index.html; }`,
    )
  })
  after(async () => {
    await nginx?.stop()
    for (const clean of cleanups) clean()
  })

  test('are answered as nginx answers, but for what is said', async (t) => {
    const edge = await startRoute(t, { inspect: createFileHandler(filesConfig(root)) })
    const theirUrl = `http://127.0.0.1:${nginx?.port}`
    for (const row of ROWS) {
      const name = JSON.stringify(row)
      const [ours, theirs] = [await answerOf(edge.url, row), await answerOf(theirUrl, row)]
      if (row.ours !== undefined) {
        assert.equal(ours.status, row.ours[0], name)
        assert.notEqual(theirs.status, ours.status, `${name}: there is no difference any more`)
        continue
      }
      assert.equal(ours.status, theirs.status, name)
      if (ours.status >= 400) {
        assert.equal(ours.headers['content-range'], theirs.headers['content-range'], name)
        continue
      }
      const multipart = ours.headers['content-type']?.startsWith('multipart/') === true
      assert.equal(multipart, theirs.headers['content-type']?.startsWith('multipart/') === true, name)
      if (multipart) {
        assert.deepEqual(partsOf(ours), partsOf(theirs), name)
        continue
      }
      for (const header of COMPARED) {
        // On a part it is clear; of compressed files nginx sends none.
        if (header === 'accept-ranges' && (ours.status !== 200 || theirs.headers['content-encoding'])) continue
        assert.equal(ours.headers[header], theirs.headers[header], `${name} ${header}`)
      }
      assert.ok(ours.body.equals(theirs.body), name)
    }
  })
})

async function answerOf(url: string, { path = '/a.txt', method = 'GET', headers = {} }: Row): Promise<Answer> {
  const tag = (await ask(url, path)).headers['etag'] ?? ''
  const filled = Object.entries(headers).map(([name, value]) => [name, value.replace('TAG', tag)] as const)
  return ask(url, path, { method, headers: Object.fromEntries(filled) })
}

/** Place and content of each part. */
function partsOf({ headers, body }: Answer): unknown {
  const boundary = /boundary=(\S+)$/.exec(headers['content-type'] ?? '')?.[1] ?? ''
  const parts = body.toString('latin1').split(`--${boundary}`)
  return parts.slice(1, -1).map((part) => {
    const [lines = '', content] = part.split('\r\n\r\n')
    return [/content-range: (.*)/i.exec(lines)?.[1], content]
  })
}
