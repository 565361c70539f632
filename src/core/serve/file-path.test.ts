import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { routeOf } from '../../../test/request-path/edge.ts'
import type { PathPattern } from '../match/path-pattern.ts'
import { compileRouteTable } from '../match/route-table.ts'
import type { Route } from '../phases.ts'
import { readFilePath, restOf } from './file-path.ts'

async function restFor(pattern: PathPattern, path: string): Promise<string> {
  const compiled = await compileRouteTable<Route>([{ id: 'files', match: { paths: [pattern] }, route: routeOf() }])
  assert.ok(compiled.ok)
  const request = {
    listener: 'main',
    host: 'a',
    path,
    method: 'GET',
    names: [],
    values: [],
    query: '',
    clientAddress: '',
  }
  const found = compiled.table.find(request)
  assert.ok(found.type === 'route', `${JSON.stringify(pattern)} does not match ${path}`)
  return restOf({ found, path })
}

test('behind a prefix or a final wildcard the rest of the path names the file, else the whole path', async () => {
  const prefix = (path: string): PathPattern => ({ kind: 'prefix', path })
  const glob = (pattern: string): PathPattern => ({ kind: 'glob', pattern })
  for (const [pattern, path, rest] of [
    [prefix('/static'), '/static/a/b.js', '/a/b.js'],
    [prefix('/static'), '/static/', '/'],
    [prefix('/static'), '/static', ''],
    [prefix('/'), '/', '/'],
    [prefix('/'), '/a', '/a'],
    [glob('/static/*'), '/static/a/b.js', '/a/b.js'],
    [glob('/static/*'), '/static/', '/'],
    [glob('/*/files/**'), '/x/files/a', '/a'],
    [glob('/*.js'), '/a.js', '/a.js'],
    [{ kind: 'exact', path: '/favicon.ico' }, '/favicon.ico', '/favicon.ico'],
    [{ kind: 'exact', path: '/docs/' }, '/docs/', '/docs/'],
    [{ kind: 'regex', pattern: '/[a-z]+\\.js' }, '/a.js', '/a.js'],
    [{ kind: 'regex', pattern: '/(.*)' }, '/', '/'],
    [{ kind: 'regex', pattern: '/.*' }, '/docs/', '/docs/'],
  ] as const) {
    assert.equal(await restFor(pattern, path), rest, `${JSON.stringify(pattern)} ${path}`)
  }
})

test('a path is decoded once, and what no file may be named is refused', () => {
  const names = (path: string, hidden: 'refuse' | 'serve' = 'serve') =>
    readFilePath(path, hidden)?.names.join('|') ?? null
  assert.equal(names('/a/b'), 'a|b')
  assert.equal(names('/a%20b/%C3%BC'), 'a b|ü')
  assert.equal(names('/%2525'), '%25')
  assert.equal(names('/'), '')
  assert.equal(readFilePath('/a/', 'refuse')?.isFolder, true)
  for (const path of [
    '/a/../b',
    '/..',
    '/a/.',
    '//a',
    '/a//b',
    '/a%2fb',
    '/a%2F..',
    '/%00',
    '/a%0a',
    '/a\\b',
    '/a%5Cb',
    '/%ff',
    '/%',
    'a',
  ]) {
    assert.equal(names(path), null, path)
  }
  assert.equal(names('/%2e%2e/a'), null)
  assert.equal(names('/.a', 'refuse'), null)
  assert.equal(names('/.a'), '.a')
  assert.equal(names(`/${'a'.repeat(5_000)}`), null)
})

test('no path gives a name that leads elsewhere', () => {
  const piece = fc.constantFrom(
    '..',
    '.',
    '/',
    '%2e',
    '%2E',
    '%2f',
    '%5c',
    '\\',
    '%00',
    'a',
    '%',
    '%25',
    '%252e',
    '~',
    '\u2025',
  )
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const path = readFilePath(`/${pieces.join('')}`, 'serve')
      for (const name of path?.names ?? []) {
        assert.ok(name !== '' && name !== '.' && name !== '..' && !/[/\\\0]/.test(name))
      }
    }),
  )
})
