import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AdminGuard } from './admin-guard.ts'
import { OWNER } from './admins.ts'
import { ADMIN_TOKEN } from './testing/fake-process.ts'
import { startListener } from './testing/listener.ts'

const RIGHT = 'Bearer right'

function createGuard() {
  const clock = { nowMs: 0 }
  const guard = new AdminGuard({ adminOf: (token) => (token === 'right' ? OWNER : null), nowMs: () => clock.nowMs })
  const codeOf = (authorization: string | undefined, address = '192.0.2.1') => {
    try {
      guard.check(authorization, address)
      return 'in'
    } catch (error) {
      return error instanceof Error && 'code' in error ? error.code : String(error)
    }
  }
  return { clock, codeOf }
}

test('A6 after five wrong tokens within a minute says how long to wait; the right one is let in all the same', () => {
  const { clock, codeOf } = createGuard()
  for (let failure = 0; failure < 5; failure++) {
    assert.equal(codeOf('Bearer wrong'), 'invalid_admin_token')
    clock.nowMs += 1_000
  }
  assert.equal(codeOf('Bearer wrong'), 'too_many_failures')
  assert.equal(codeOf(RIGHT), 'in', 'nobody can lock the operator out')
  assert.equal(codeOf('Bearer wrong', '192.0.2.2'), 'invalid_admin_token')
  clock.nowMs = 59_999
  assert.equal(codeOf('Bearer wrong'), 'too_many_failures')
  clock.nowMs = 60_000
  assert.equal(codeOf('Bearer wrong'), 'invalid_admin_token')
  assert.equal(codeOf('Bearer wrong'), 'too_many_failures')
})

test('counts no request without a credential, which guesses nothing', () => {
  const { codeOf } = createGuard()
  for (let request = 0; request < 20; request++) assert.equal(codeOf(undefined), 'invalid_admin_token')
  assert.equal(codeOf(RIGHT), 'in')
})

test('counts what is no bearer token, and takes the scheme in any case', () => {
  const { codeOf } = createGuard()
  assert.equal(codeOf('bEARER   right '), 'in')
  for (const value of ['right', 'Basic right', 'Bearer', 'Bearer right right', 'Bearer\tright']) {
    assert.equal(codeOf(value), 'invalid_admin_token', value)
  }
  assert.equal(codeOf('Bearer wrong'), 'too_many_failures')
})

test('A6 takes a /64 network for one source, and a mapped address for the one it maps', () => {
  const { codeOf } = createGuard()
  for (const host of ['::1', '::2', '0:0:0:3', 'a:b:c:d'])
    codeOf('Bearer wrong', `2001:db8:0:1:${host}`.replace(':::', '::'))
  codeOf('Bearer wrong', '2001:db8:0:1::ffff')
  assert.equal(codeOf('Bearer wrong', '2001:db8:0:1::9'), 'too_many_failures')
  assert.equal(codeOf('Bearer wrong', '2001:db8:0:2::9'), 'invalid_admin_token')
  for (let failure = 0; failure < 5; failure++) codeOf('Bearer wrong', '::ffff:198.51.100.7')
  assert.equal(codeOf('Bearer wrong', '198.51.100.7'), 'too_many_failures')
  assert.equal(codeOf('Bearer wrong', '::ffff:198.51.100.8'), 'invalid_admin_token')
})

test('guards everything under /admin with one and the same refusal', async (t) => {
  const { call } = await startListener(t)
  const routes = [
    ['GET', '/admin/v1/api-keys'],
    ['POST', '/admin/v1/api-keys'],
    ['GET', '/admin/v1/api-keys/a'],
    ['DELETE', '/admin/v1/api-keys/a'],
    ['GET', '/admin/v1/request-logs'],
    ['GET', '/admin/v1/request-logs/a'],
    ['GET', '/admin/v1/usage'],
    ['GET', '/admin/v1/status'],
  ] as const
  const texts = new Set<string>()
  for (const [method, path] of routes) {
    const { status, text, headers } = await call(method, path, { token: null })
    assert.deepEqual([status, headers.get('www-authenticate')], [401, 'Bearer realm="ferro admin"'], path)
    texts.add(text)
  }
  texts.add((await call('GET', '/admin/v1/status', { token: 'wrong' })).text)
  texts.add((await call('GET', '/admin/v1/status', { token: `${ADMIN_TOKEN}x` })).text)
  assert.equal(texts.size, 1)
  for (let failure = 2; failure < 5; failure++) await call('GET', '/admin/v1/status', { token: 'wrong' })
  const { status, code, headers } = await call('GET', '/admin/v1/status', { token: 'wrong' })
  assert.deepEqual([status, code], [429, 'too_many_failures'])
  const seconds = Number(headers.get('retry-after'))
  assert.ok(seconds >= 1 && seconds <= 60, `${seconds}`)
  assert.equal((await call('GET', '/metrics', { token: null })).status, 200)
  assert.equal((await call('GET', '/admin/v1/status')).status, 200, 'the right token')
})
