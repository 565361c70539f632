import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { documentFrom } from '../config/index.ts'
import { routeGateProblems } from './route-gate-problems.ts'

async function problemsOf(route: object): Promise<string[]> {
  const { routes } = await documentFrom({ routes: [{ id: 'a', respond: {}, ...route }] })
  const [config] = routes
  assert.ok(config)
  return (await routeGateProblems(config)).map(({ path, message }) => `${path.join('.')}: ${message}`)
}

const forward = (differences: object) => ({ auth: { forward: { url: 'http://127.0.0.1:1/ask', ...differences } } })
const jwt = (differences: object) => ({ auth: { jwt: { issuer: 'i', audience: 'a', ...differences } } })
const limit = (by: string) => ({ by, requests_per_minute: 1 })

test('names the key of every gate that cannot be made', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ferro-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const costly = `scrypt:20:8:1:${'A'.repeat(22)}:${'A'.repeat(43)}`
  const rows: readonly (readonly [route: object, found: readonly RegExp[]])[] = [
    [{}, []],
    [{ auth: { keys: {} }, rate_limits: [limit('key'), limit('address'), limit('route'), limit('header:x-a')] }, []],
    [{ auth: { basic: { users: { eve: costly } } } }, [/^auth\.basic\.users\.eve: scrypt takes up to/]],
    [jwt({ jwks_url: 'http://127.0.0.1:1/keys' }), []],
    [jwt({ jwks_url: 'ftp://a/keys' }), [/^auth\.jwt\.jwks_url: expected a URL with http or https$/]],
    [jwt({ jwks_url: 'http://me:secret@a/keys' }), [/^auth\.jwt\.jwks_url: a URL holds no credentials here$/]],
    [jwt({ jwks_file: file('good.json', '{"keys":[]}') }), []],
    [jwt({ jwks_file: file('bad.json', '{"keys":') }), [/^auth\.jwt\.jwks_file: .*bad\.json holds no key set/]],
    [jwt({ jwks_file: file('other.json', '{"key":1}') }), [/^auth\.jwt\.jwks_file: .*other\.json holds no key set/]],
    [jwt({ jwks_file: join(folder, 'none.json') }), [/^auth\.jwt\.jwks_file: .*none\.json/]],
    [forward({}), []],
    [forward({ url: '/ask' }), [/^auth\.forward\.url: expected a URL/]],
    [
      forward({ send: ['cookie', 'x-forwarded-for'], copy: ['x-request-id'] }),
      [
        /^auth\.forward\.send\.1: the header x-forwarded-for is set/,
        /^auth\.forward\.copy\.0: the header x-request-id/,
      ],
    ],
    [{ rate_limits: [limit('route'), limit('key')] }, [/^rate_limits\.1\.by: `key` needs `auth` with/]],
    [{ ...forward({}), rate_limits: [limit('key')] }, [/^rate_limits\.0\.by: `key` needs/]],
  ]
  for (const [route, expected] of rows) {
    const found = await problemsOf(route)
    assert.equal(found.length, expected.length, found.join('\n'))
    for (const [at, each] of expected.entries()) assert.match(found[at] ?? '', each)
  }
})
