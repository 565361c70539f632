import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  exact,
  expression,
  found,
  glob,
  prefix,
  requestOf,
  rule,
  tableOf,
} from '../../../test/request-path/route-tables.ts'
import { compileRouteTable } from './route-table.ts'

test('gives the route of the rule that matches, with what its pattern took', async () => {
  const table = await tableOf(
    rule('user', { paths: [expression('/users/(?P<id>[0-9]+)')] }),
    rule('files', { paths: [glob('/files/*')] }),
    rule('api', { paths: [prefix('/api')] }),
    rule('home', { paths: [exact('/'), exact('/index.html')] }),
  )
  const path = '/users/12'
  const outcome = table.find(requestOf(path))
  assert.ok(outcome.type === 'route')
  assert.equal(outcome.route, 'to user')
  assert.equal(outcome.captures(path).named.get('id'), '12')
  for (const [asked, id] of [
    ['/', 'home'],
    ['/index.html', 'home'],
    ['/files/', 'files'],
    ['/files', 'none'],
    ['/api/x', 'api'],
    ['/apix', 'none'],
    ['/users/x', 'none'],
  ] as const) {
    assert.equal(found(table, asked), id, asked)
  }
})

test('an empty table has no route for anything', async () => {
  assert.equal(found(await tableOf(), '/'), 'none')
})

test('puts the more specific path first, wherever it stands in the file', async () => {
  const table = await tableOf(
    rule('all', { paths: [prefix('/')] }),
    rule('expression', { paths: [expression('/[a-z/]+')] }),
    rule('api', { paths: [prefix('/api')] }),
    rule('beneath', { paths: [glob('/api/*')] }),
    rule('letter', { paths: [glob('/api/v1/*/c')] }),
    rule('version', { paths: [prefix('/api/v1')] }),
    rule('one', { paths: [exact('/api/v1')] }),
  )
  for (const [path, id] of [
    ['/api/v1', 'one'],
    ['/api/v1/', 'version'],
    ['/api/v1/b/c', 'letter'],
    ['/api/v1/b/c/d', 'version'],
    ['/api/v2', 'beneath'],
    ['/api', 'api'],
    ['/apis', 'expression'],
    ['/42', 'all'],
  ] as const) {
    assert.equal(found(table, path), id, path)
  }
})

test('puts an exact host before a wildcard, a longer one before a shorter, and any before none', async () => {
  const table = await tableOf(
    rule('none', { paths: [exact('/a')] }),
    rule('short', { hosts: ['*.com'], paths: [exact('/a')] }),
    rule('long', { hosts: ['*.example.com'] }),
    rule('exact', { hosts: ['www.example.com', '[::1]'], paths: [prefix('/')] }),
  )
  for (const [host, id] of [
    ['www.example.com', 'exact'],
    ['WWW.Example.com.:443', 'exact'],
    ['[0::1]:80', 'exact'],
    ['a.example.com', 'long'],
    ['a.b.example.com', 'long'],
    ['example.com', 'short'],
    ['com', 'none'],
    ['localhost:8080', 'none'],
    [null, 'none'],
  ] as const) {
    assert.equal(found(table, '/a', { host }), id, String(host))
  }
  assert.equal(found(table, '/b', { host: 'example.com' }), 'none')
})

test('puts priority above all, further conditions below the path, and the order of the file last', async () => {
  const header = { name: 'x-beta', is: 'present' } as const
  const table = await tableOf(
    rule('exact', { hosts: ['example.com'], paths: [exact('/a')] }),
    rule('first', { paths: [prefix('/b')] }),
    rule('second', { paths: [glob('/b*')] }),
    rule('get', { paths: [prefix('/b')], methods: ['GET'] }),
    rule('beta', { paths: [prefix('/b')], methods: ['GET'], headers: [header] }),
    rule('emergency', { headers: [{ name: 'x-stop', is: 'present' }] }, { priority: 10 }),
    rule('last', {}, { priority: -1 }),
  )
  const withHeader = (name: string) => ({ names: [name], values: [''] })
  assert.equal(found(table, '/a'), 'exact')
  assert.equal(found(table, '/a', withHeader('x-stop')), 'emergency')
  assert.equal(found(table, '/b'), 'get')
  assert.equal(found(table, '/b', { method: 'PUT' }), 'first')
  assert.equal(found(table, '/bb', { method: 'PUT' }), 'second')
  assert.equal(found(table, '/b', withHeader('x-beta')), 'beta')
  assert.equal(found(table, '/c'), 'last')
})

test('all conditions of a rule must hold, and one of each list', async () => {
  const table = await tableOf(
    rule('all', {
      listeners: ['public', 'private'],
      methods: ['GET', 'POST'],
      headers: [
        { name: 'a', is: 'present' },
        { name: 'b', is: 'absent' },
      ],
      query: [{ name: 'q', is: { kind: 'exact', text: '1' } }],
      addresses: ['10.0.0.0/8', '192.0.2.1'],
    }),
  )
  const good = { names: ['a'], values: ['x'], query: 'q=1' }
  assert.equal(found(table, '/', good), 'all')
  assert.equal(found(table, '/', { ...good, listener: 'other' }), 'none')
  assert.equal(found(table, '/', { ...good, method: 'PUT' }), '405 GET, POST')
  assert.equal(found(table, '/', { ...good, names: ['b'] }), 'none')
  assert.equal(found(table, '/', { ...good, names: ['a', 'b'], values: ['', ''] }), 'none')
  assert.equal(found(table, '/', { ...good, query: 'q=2' }), 'none')
  assert.equal(found(table, '/', { ...good, clientAddress: '192.0.2.2' }), 'none')
})

test('names the allowed methods only when nothing but the method is wrong', async () => {
  const table = await tableOf(
    rule('read', { paths: [exact('/a')], methods: ['GET', 'HEAD'] }),
    rule('write', { paths: [prefix('/a')], methods: ['POST'] }),
    rule('beta', { paths: [exact('/a')], methods: ['PATCH'], headers: [{ name: 'x-beta', is: 'present' }] }),
    rule('number', { paths: [expression('/a/[0-9]+')], methods: ['DELETE'] }),
    rule('other', { hosts: ['other.com'], methods: ['TRACE'] }),
    rule('open', { paths: [exact('/o')], methods: ['GET'] }),
    rule('open, all', { paths: [glob('/o*')] }),
  )
  assert.equal(found(table, '/a', { method: 'PUT' }), '405 GET, HEAD, POST')
  assert.equal(found(table, '/a', { method: 'PUT', names: ['x-beta'], values: [''] }), '405 GET, HEAD, PATCH, POST')
  assert.equal(found(table, '/a/1', { method: 'PUT' }), '405 DELETE, POST')
  assert.equal(found(table, '/a/x', { method: 'PUT' }), '405 POST')
  assert.equal(found(table, '/b', { method: 'PUT' }), 'none')
  assert.equal(found(table, '/o', { method: 'PUT' }), 'open, all')
  for (const method of ['get', '', 'constructor', '__proto__']) {
    assert.equal(found(table, '/a', { method }), '405 GET, HEAD, POST', method)
  }
})

test('says everything that is wrong with the rules, each with its place', async () => {
  const compiled = await compileRouteTable<string>([
    { id: 'a', match: { paths: [prefix('/a//b'), expression('(')], hosts: ['a b'] }, route: '' },
    { id: 'b', match: { methods: ['get'], addresses: ['10.0.0.0/40'] }, route: '' },
    { id: 'b', match: { headers: [{ name: 'a b', is: 'present' }] }, route: '' },
    { id: 'c', match: { hosts: [], addresses: [] }, priority: 0.5, route: '' },
  ])
  assert.ok(!compiled.ok)
  assert.deepEqual(
    compiled.problems.map(({ index, id, field }) => `${index} ${id} ${field}`),
    [
      '0 a hosts',
      '0 a paths',
      '0 a paths',
      '1 b methods',
      '1 b addresses',
      '2 b headers',
      '3 c priority',
      '3 c hosts',
    ].concat(['3 c addresses', '2 b id']),
  )
})

test('says which rule is never reached', async () => {
  const compiled = await compileRouteTable<string>([
    { id: 'a', match: { paths: [prefix('/a'), exact('/b')], methods: ['GET', 'PUT'] }, route: '' },
    { id: 'b', match: { paths: [exact('/%62')], methods: ['PUT', 'GET'] }, route: '' },
    { id: 'c', match: { paths: [exact('/b'), exact('/c')], methods: ['GET', 'PUT'] }, route: '' },
  ])
  assert.ok(!compiled.ok)
  assert.deepEqual(
    compiled.problems.map(({ id, field }) => [id, field]),
    [['b', 'match']],
  )
  assert.match(compiled.problems[0]?.message ?? '', /the same as "a", which comes first/)
})
