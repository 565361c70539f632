import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planOf, routeOf } from '../../../test/request-path/edge.ts'
import { offlineExchange } from '../../../test/request-path/offline.ts'
import { match } from './match.ts'

const list = routeOf({ name: 'list' })
const create = routeOf({ name: 'create' })
const detail = routeOf({ name: 'detail' })
const deep = routeOf({ name: 'deep' })
const plan = planOf({ '/things': { GET: list, POST: create } }, [
  ['/things/deep/', { GET: deep }],
  ['/things/', { GET: detail }],
])

function matched(method: string, path: string) {
  const x = offlineExchange({ method, path, plan })
  const error = match(x)
  return { route: x.route?.name ?? null, rest: x.rest, code: error?.code ?? null, allow: error?.allow ?? null }
}

test('finds the route of a path and a method', () => {
  const rows = [
    ['GET', '/things', 'list', ''],
    ['POST', '/things', 'create', ''],
    ['GET', '/things/a', 'detail', 'a'],
    ['GET', '/things/a/b', 'detail', 'a/b'],
    ['GET', '/things/a%2Fb%20c', 'detail', 'a/b c'],
    ['GET', '/things/%C3%A4', 'detail', 'ä'],
    ['GET', '/things/deep/x', 'deep', 'x'],
    ['GET', '/things/deep', 'detail', 'deep'],
  ] as const
  for (const [method, path, route, rest] of rows) {
    assert.deepEqual(matched(method, path), { route, rest, code: null, allow: null }, `${method} ${path}`)
  }
})

test('says what is missing: the path, the method, a proper encoding', () => {
  const rows = [
    ['GET', '/', 'not_found'],
    ['GET', '/thing', 'not_found'],
    ['GET', '/things/', 'not_found'],
    ['GET', '/Things', 'not_found'],
    ['GET', '/%74hings', 'not_found'],
    ['GET', '/other%2Fthings', 'invalid_target'],
    ['GET', '/things%2Fa', 'invalid_target'],
    ['GET', '/things/%ff', 'invalid_target'],
    ['GET', '/things/%C3', 'invalid_target'],
    ['GET', '/things/%zz', 'invalid_target'],
  ] as const
  for (const [method, path, code] of rows) {
    assert.deepEqual(matched(method, path), { route: null, rest: '', code, allow: null }, path)
  }
})

test('names the methods that a path takes', () => {
  for (const method of ['DELETE', 'HEAD', 'get', 'constructor', 'toString', '__proto__']) {
    const found = matched(method, '/things')
    assert.equal(found.code, 'method_not_allowed', method)
    assert.equal(found.allow, 'GET, POST', method)
  }
  assert.equal(matched('POST', '/things/a').allow, 'GET')
})
