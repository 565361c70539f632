import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentFrom } from '../../config/index.ts'
import { routeProblems } from './route-problems.ts'

const POOL = { upstreams: { web: { targets: ['http://127.0.0.1:1'] } } }

async function problemsOf(...routes: readonly object[]): Promise<string[]> {
  const document = await documentFrom({ ...POOL, routes: routes.map((route, at) => ({ id: `r${at}`, ...route })) })
  return (await routeProblems(document.routes)).map(({ path, message }) => `${path.join('.')}: ${message}`)
}

test('finds nothing in routes that can be compiled', async () => {
  const found = await problemsOf(
    { upstream: 'web', match: { path: '/a/*', header: { 'x-a': { regex: 'a+' } } }, rewrite: { path: '/{path.rest}' } },
    { match: { path: '/b' }, respond: { body: '{client.address}' }, cors: { origins: ['*'] }, encode: true },
    { match: { path: '/c' }, redirect: { to: 'https://{host}{path}' } },
    { match: { path: '/d/*' }, files: { root: import.meta.dirname }, response_headers: { set: { 'x-a': '{route}' } } },
  )
  assert.deepEqual(found, [])
})

test('names the key of everything that cannot be compiled, all at once', async () => {
  const rows: readonly (readonly [route: object, found: readonly RegExp[]])[] = [
    [{ respond: { body: '{no}' } }, [/respond\.body: there is no placeholder \{no\}/]],
    [{ redirect: { to: '/{no}' } }, [/redirect\.to: there is no placeholder \{no\}/]],
    [{ redirect: { to: 'https://{path}x.test/' } }, [/redirect\.to: \{path\} stands where the host/]],
    [{ upstream: 'web', rewrite: { path: '/{no}' } }, [/rewrite\.path: there is no placeholder/]],
    [{ upstream: 'web', rewrite: { path: '/x{uri}' } }, [/rewrite\.path: \{uri\} is not a part of a path/]],
    [{ upstream: 'web', rewrite: { path: '/x//{path.rest}' } }, [/rewrite\.path: every request would be refused/]],
    [{ upstream: 'web', rewrite: { query: 'a={no}' } }, [/rewrite\.query: there is no placeholder/]],
    [{ upstream: 'web', rewrite: { add_prefix: '/a?b' } }, [/rewrite\.add_prefix: every request would be refused/]],
    [
      { upstream: 'web', request_headers: { set: { 'x-a': '{no}', 'x-b': 'b' }, add: { 'x-c': '{nor}' } } },
      [/request_headers\.set\.x-a: .*\{no\}/, /request_headers\.add\.x-c: .*\{nor\}/],
    ],
    [{ respond: {}, response_headers: { add: { 'x-a': '{no}' } } }, [/response_headers\.add\.x-a: /]],
    [
      { respond: {}, cors: { origins: ['https://a.test', 'b.test', 'HTTPS://c.test'] } },
      [/cors\.origins\.1: "b\.test" is no origin/, /cors\.origins\.2: "HTTPS/],
    ],
    [{ files: { root: '/no/such/folder' } }, [/files\.root: \/no\/such\/folder is no folder/]],
    [{ files: { root: import.meta.filename } }, [/files\.root: /]],
    [{ respond: {}, match: { path: { regex: '/(' } } }, [/match\.path: the regex/]],
    [{ respond: {}, match: { path: ['/a', { glob: '/b' }] } }, [/match\.path\.1: the glob "\/b" has no/]],
    [{ respond: {}, match: { host: ['a.test', 'a.*'] } }, [/match\.host\.1: /]],
    [
      { respond: {}, match: { header: { 'x-a': true, 'x-b': { regex: '(' } }, query: { q: { regex: '[' } } } },
      [/match\.header\.x-b: the regex/, /match\.query\.q: the regex/],
    ],
  ]
  for (const [route, expected] of rows) {
    const found = await problemsOf(route)
    assert.equal(found.length, expected.length, found.join('\n'))
    for (const [at, each] of expected.entries()) assert.match(found[at] ?? '', each)
    assert.ok(found.every((problem) => problem.startsWith('routes.0.')))
  }
  const all = await problemsOf(...rows.map(([route]) => ({ ...route, priority: rows.findIndex(([r]) => r === route) })))
  assert.equal(all.length, rows.flatMap(([, expected]) => expected).length)
})

test('says that a rule is never reached, also beside others that cannot be compiled', async () => {
  const found = await problemsOf(
    { match: { path: '/a' }, respond: {} },
    { match: { path: { regex: '(' } }, respond: {} },
    { match: { path: '/a' }, redirect: { to: '/b' } },
    { match: { path: ['/a', '/b'] }, respond: {} },
  )
  assert.equal(found.length, 2, found.join('\n'))
  assert.match(found[1] ?? '', /^routes\.2\.match: it matches the same as "r0"/)
})
