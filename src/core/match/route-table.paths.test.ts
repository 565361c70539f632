import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PATH_SPELLINGS } from '../../../test/request-path/path-spellings.ts'
import { exact, expression, found, glob, prefix, rule, tableOf } from '../../../test/request-path/route-tables.ts'
import { GatewayError } from '../errors.ts'
import { canonicalPath } from './canonical-path.ts'

test('an encoded slash passes only where the rule allows it, and is no separator', async () => {
  const table = await tableOf(
    rule('strict', { paths: [prefix('/a')] }),
    rule('projects', { paths: [glob('/p/*/issues')] }, { encodedSlash: 'allow' }),
    rule('secret', { paths: [prefix('/p/secret')] }),
  )
  assert.equal(found(table, '/a/x%2Fy'), 'refused')
  assert.equal(found(table, '/p/group%2Fname/issues'), 'projects')
  assert.equal(found(table, '/p/group/name/issues'), 'none')
  assert.equal(found(table, '/p/secret%2Fname/issues'), 'refused')
})

test('refuses a path that leads elsewhere when its reserved characters are decoded', async () => {
  const table = await tableOf(
    rule('me', { paths: [exact('/users/@me')] }),
    rule('users', { paths: [prefix('/users')] }),
    rule('write', { paths: [exact('/users/a+b')], methods: ['PUT'] }, { priority: 1 }),
  )
  assert.equal(found(table, '/users/@me'), 'me')
  assert.equal(found(table, '/users/%40me'), 'refused')
  assert.equal(found(table, '/users/%40you'), 'users')
  assert.equal(found(table, '/users/a%2Bb'), 'users')
  assert.equal(found(table, '/users/a%2Bb', { method: 'PUT' }), 'refused')
})

test('U1: no spelling of a protected path reaches another route', async () => {
  const other = /^\/(?:admin\.|admin%20|Admin|ADMIN|%EF%BD%81dmin|a%CC%81dmin|open)/
  for (const open of [prefix('/'), glob('/**'), expression('/.*')]) {
    const table = await tableOf(
      rule('admin', { paths: [prefix('/admin')] }, { encodedSlash: 'allow' }),
      rule('open', { paths: [open] }, { encodedSlash: 'allow' }),
    )
    for (const [spelling, ...canonicals] of PATH_SPELLINGS) {
      for (const path of canonicals) {
        if (path === null) continue
        const id = found(table, path)
        assert.ok(id === 'admin' || id === 'refused' || other.test(path), `${spelling} as ${path} reached ${id}`)
      }
    }
  }
})

/** Every path that a server could make of a path: decoding again and again, cutting parameters, turning backslashes. */
function lenientReading(path: string): string {
  let read = path
  for (let round = 0; round < 4; round++) {
    read = read.replaceAll(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  }
  const segments = read
    .replaceAll('\\', '/')
    .replaceAll(/;[^/]*/g, '')
    .replaceAll(/\/{2,}/g, '/')
  return new URL(`http://localhost/${segments.replace(/^\//, '').replaceAll(/[^!-~]/g, '_')}`).pathname
}

const ALL_MARKS = { encodedSlash: 'allow', semicolon: 'allow', encodedPercent: 'allow' } as const

test('semicolons and encoded percent signs pass only where the rule allows them', async () => {
  const table = await tableOf(
    rule('strict', { paths: [prefix('/a')] }),
    rule('app', { paths: [prefix('/app')] }, { semicolon: 'allow' }),
    rule('admin', { paths: [prefix('/app/admin')] }),
    rule('wiki', { paths: [prefix('/wiki')] }, { encodedPercent: 'allow' }),
  )
  assert.equal(found(table, '/a/b;c'), 'refused')
  assert.equal(found(table, '/a/100%25'), 'refused')
  assert.equal(found(table, '/app/b;jsessionid=1'), 'app')
  assert.equal(found(table, '/app;x/admin'), 'none')
  assert.equal(found(table, '/app/admin;x'), 'refused')
  assert.equal(found(table, '/wiki/100%25'), 'wiki')
  assert.equal(found(table, '/wiki/a;b'), 'refused')
})

test('a path that is too long for an expression is refused, unless no expression could have it', async () => {
  const table = await tableOf(
    rule('any', { paths: [prefix('/')] }),
    rule('user', { paths: [expression('/users/[a-z]+')] }),
    rule('long', { paths: [prefix('/files')] }),
  )
  const long = 'x'.repeat(2_000)
  assert.equal(found(table, '/users/x'), 'user')
  assert.equal(found(table, `/users/${long}`), 'refused')
  assert.equal(found(table, `/other/${long}`), 'any')
  assert.equal(found(table, `/files/${long}`), 'long')
  const open = await tableOf(rule('any', { paths: [prefix('/')] }), rule('user', { paths: [expression('.*/x|/y')] }))
  assert.equal(found(open, `/other/${long}`), 'refused')
})

test('what an expression plainly begins with is only a beginning', async () => {
  for (const [pattern, yes, no] of [
    ['/ab?', '/a', '/b'],
    ['/ab*c', '/ac', '/b'],
    ['/a|/b', '/b', '/c'],
    ['(?i)/abc', '/ABC', '/x'],
    ['/ab{0,2}', '/a', '/b'],
    ['/a[bc]', '/ab', '/a'],
  ] as const) {
    const table = await tableOf(rule('it', { paths: [expression(pattern)] }))
    assert.deepEqual([found(table, yes), found(table, no)], ['it', 'none'], pattern)
  }
})

test('U1: what a lenient server reads as a protected path was matched as one, or refused', async () => {
  const table = await tableOf(
    rule('admin', { paths: [prefix('/admin'), prefix('/p@th/x')] }, ALL_MARKS),
    rule('open', { paths: [prefix('/')] }, ALL_MARKS),
  )
  const pieces = fc.constantFrom(
    ...[
      '/',
      '//',
      '/../',
      '/./',
      '%2e',
      '%2f',
      '%2F..',
      '..',
      '.',
      '%5c',
      '\\',
      ';',
      ';a',
      '%3B',
      '%25',
      '%252f',
      '%00',
    ],
    ...[
      'admin',
      '%61dmin',
      'adm%69n',
      '/admin',
      'open',
      '/open/',
      'p@th',
      'p%40th',
      'x',
      '%78',
      'a',
      '%',
      '%c0%ae',
      '?',
    ],
  )
  const segments = ['refuse', 'normalise'] as const
  const rules = segments.flatMap((each) => (['refuse', 'allow'] as const).map((marks) => ({ segments: each, marks })))
  let reached = 0
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 8 }), fc.constantFrom(...rules), (parts, rule) => {
      const path = canonicalPath(`/${parts.join('')}`, { ...rule, encodedSlash: 'allow' })
      if (path instanceof GatewayError) return
      const id = found(table, path)
      if (!/^\/(?:admin|p@th\/x)(?:\/|$)/.test(lenientReading(path))) return
      reached++
      assert.notEqual(id, 'open', path)
    }),
    { numRuns: 20_000 },
  )
  assert.ok(reached > 100, `${reached} paths were readings of a protected one`)
})

test('U2: near misses of a path do not match it', async () => {
  const table = await tableOf(
    rule('health', { paths: [exact('/healthz')] }),
    rule('api', { paths: [prefix('/api/dev')] }),
    rule('items', { paths: [glob('/v1/items/*')] }),
  )
  for (const path of ['/healthzz', '/healthz/', '/health', '/api/devices', '/api/de', '/v1/itemsX', '/v1/items', '/']) {
    assert.equal(found(table, path), 'none', path)
  }
})

test('U8: a rule that denies a role catches it in every form that it comes in', async () => {
  const role = (text: string, values: 'any' | 'every') =>
    ({ name: 'x-role', is: { kind: 'exact', text }, values }) as const
  const table = await tableOf(
    rule('denied', { headers: [role('admin', 'any')] }, { priority: 1 }),
    rule('users', { headers: [role('user', 'every')] }),
  )
  const withRoles = (...values: string[]) => found(table, '/', { names: values.map(() => 'x-role'), values })
  assert.equal(withRoles('user'), 'users')
  for (const roles of [['user', 'admin'], ['admin', 'user'], ['user, admin'], ['user', 'x,admin'], ['admin']]) {
    assert.equal(withRoles(...roles), 'denied', String(roles))
  }
  assert.equal(withRoles('user', 'guest'), 'none')
})
