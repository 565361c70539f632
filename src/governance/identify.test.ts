import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyOf } from '../../test/request-path/keys.ts'
import { offlineExchange } from '../../test/request-path/offline.ts'
import { type GatewayError, WAIT } from '../core/index.ts'
import { createRateCheck, createScopeCheck } from './admit.ts'
import { createIdentify, principalOf } from './identify.ts'
import type { KeyDocument } from './key-document.ts'
import { KeyTable, MAX_SECRET_BYTES } from './key-table.ts'
import { withoutQueryKeys } from './query-key.ts'
import { SharedCounters } from './shared-counters.ts'

function identifyWith(...documents: readonly KeyDocument[]) {
  const keys = new KeyTable({ generations: new Int32Array(8), pepper: '', catchUp: () => undefined })
  for (const document of documents) keys.apply({ id: document.id, document })
  const identify = createIdentify(keys)
  return (...headers: readonly string[]) => {
    const x = offlineExchange({ headers })
    const error = identify(x) as GatewayError | null // nobody is waited for here
    return {
      x,
      code: error?.code ?? null,
      status: error?.status ?? null,
      id: x.principal?.id ?? null,
      message: error?.message ?? '',
    }
  }
}

const A = 'secret-of-a'
const B = 'secret-of-b'

test('takes the key from any of the headers that clients use', () => {
  const identify = identifyWith(keyOf('a'))
  const rows: readonly (readonly string[])[] = [
    ['Authorization', `Bearer ${A}`],
    ['authorization', `bearer ${A}`],
    ['AUTHORIZATION', `BEARER   ${A}`],
    ['X-Api-Key', A],
    ['api-key', A],
    ['x-goog-api-key', A],
    ['Authorization', `Bearer ${A}`, 'x-api-key', A],
    ['x-api-key', A, 'x-api-key', A],
  ]
  for (const headers of rows)
    assert.deepEqual([identify(...headers).id, identify(...headers).code], ['a', null], headers.join(' '))
})

test('refuses who sends no key, an unknown one, or two', () => {
  const identify = identifyWith(keyOf('a'), keyOf('b'))
  const rows: readonly (readonly [code: string, headers: readonly string[]])[] = [
    ['missing_api_key', []],
    ['missing_api_key', ['Cookie', A]],
    ['missing_api_key', ['x-api-key', '']],
    ['missing_api_key', ['x-api-key', '  ']],
    ['missing_api_key', ['Authorization', `Bearer ${A}`, 'x-api-key', '']],
    ['invalid_api_key', ['Authorization', 'Bearer']],
    ['invalid_api_key', ['Authorization', '']],
    ['invalid_api_key', ['Authorization', A]],
    ['invalid_api_key', ['Authorization', `Basic ${A}`]],
    ['invalid_api_key', ['Authorization', `Basic ${A}`, 'x-api-key', A]],
    ['invalid_api_key', ['Authorization', `Bearer ${A} x`]],
    ['invalid_api_key', ['Authorization', `Bearer ${A}, Bearer ${A}`]],
    ['invalid_api_key', ['x-api-key', 'unknown']],
    ['invalid_api_key', ['x-api-key', A.toUpperCase()]],
    ['invalid_api_key', ['x-api-key', 'x'.repeat(MAX_SECRET_BYTES + 1)]],
    ['invalid_api_key', ['x-api-key', A, 'api-key', B]],
    ['invalid_api_key', ['Authorization', `Bearer ${A}`, 'Authorization', `Bearer ${B}`]],
    ['invalid_api_key', ['Authorization', `Bearer ${A}`, 'x-goog-api-key', B]],
  ]
  for (const [code, headers] of rows) {
    const found = identify(...headers)
    assert.deepEqual([found.code, found.status, found.id], [code, 401, null], headers.join(' '))
    assert.ok(!found.message.includes('secret-of'), headers.join(' '))
  }
})

test('a key in the query counts on the paths whose clients say it there, and only where the surface allows it', () => {
  const keys = new KeyTable({ generations: new Int32Array(8), pepper: '', catchUp: () => undefined })
  keys.apply({ id: 'a', document: keyOf('a') })
  const ask = (target: string, headers: readonly string[] = [], query = true) => {
    const [path = '', said = ''] = target.split('?')
    const x = offlineExchange({ path, query: said, headers })
    const error = createIdentify(keys, { query })(x) as GatewayError | null // as above
    return error?.code ?? x.principal?.id
  }
  const generate = '/v1beta/models/m:generateContent'
  assert.equal(ask(`${generate}?alt=sse&key=${A}`), 'a')
  assert.equal(ask(`${generate}?key=${A}`, ['x-goog-api-key', A]), 'a')
  assert.equal(ask(`/v1/models?key=${A}&pageSize=2`), 'a')
  assert.equal(ask(`${generate}?key=${B}`), 'invalid_api_key')
  assert.equal(ask(`${generate}?key=${A}`, ['x-goog-api-key', B]), 'invalid_api_key')
  assert.equal(ask(`${generate}?key=${A}&key=${B}`), 'invalid_api_key')
  assert.equal(ask(`${generate}?key=`), 'missing_api_key')
  assert.equal(ask(`${generate}?monkey=${A}`), 'missing_api_key')
  assert.equal(ask(`/v1/chat/completions?key=${A}`), 'missing_api_key')
  assert.equal(ask(`/v1/modelsX?key=${A}`), 'missing_api_key')
  assert.equal(ask(`${generate}?key=${A}`, [], false), 'missing_api_key', 'routes of the configuration forward queries')
})

test('what goes on to an upstream has no key of ours in its query', () => {
  assert.equal(withoutQueryKeys('/v1beta/files', `pageSize=2&key=${A}&key=${B}&x=key`), 'pageSize=2&x=key')
  assert.equal(withoutQueryKeys('/v1/models/m/x', `key=${A}`), '')
  assert.equal(withoutQueryKeys('/v1/others', 'key=word'), 'key=word')
})

test('who holds no valid key learns nothing of why', () => {
  const now = Date.now()
  const identify = identifyWith(
    keyOf('disabled', { enabled: false }),
    keyOf('expired', { expiresAt: now - 1 }),
    keyOf('lasting', { expiresAt: now + 60_000 }),
  )
  const told = ['unknown', 'disabled', 'expired'].map((id) => {
    const { code, status, message } = identify('x-api-key', `secret-of-${id}`)
    return { code, status, message }
  })
  assert.deepEqual(told[1], told[0])
  assert.deepEqual(told[2], told[0])
  assert.equal(identify('x-api-key', 'secret-of-lasting').id, 'lasting')
})

test('A4 a key expires at its moment, by the time at which the request began', () => {
  const identify = identifyWith(keyOf('a', { expiresAt: 1 }))
  assert.equal(identify('x-api-key', A).code, 'invalid_api_key')
})

test('scopes are held or not; a key without scopes holds them all', () => {
  const check = createScopeCheck('chat.completions')
  const rows = [
    [[], null],
    [['chat.completions'], null],
    [['models.read', 'chat.completions'], null],
    [['models.read'], 'insufficient_scope'],
    [['chat'], 'insufficient_scope'],
  ] as const
  for (const [scopes, code] of rows) {
    const { x } = identifyWith(keyOf('a', { scopes }))('x-api-key', A)
    assert.equal(principalOf(x).id, 'a')
    const error = check(x)
    assert.deepEqual([error?.code ?? null, error?.status ?? null], [code, code === null ? null : 403], scopes.join(' '))
  }
})

test('a rate is taken once per request, and says when the next one comes', () => {
  const counters = new BigInt64Array(new SharedArrayBuffer(64))
  const rate = { level: 'key:a', slot: 1, limit: 2, per: 'minute', intervalUs: 30_000_000, burst: 2 } as const
  const { x } = identifyWith(keyOf('a', { rates: [rate] }))('x-api-key', A)
  const gate = createRateCheck(new SharedCounters(counters))
  const check = (of: Parameters<typeof gate>[0]) => {
    const verdict = gate(of)
    return verdict === WAIT ? assert.fail('shared memory never waits') : verdict
  }
  assert.equal(check(x), null)
  assert.equal(check(x), null)
  const error = check(x)
  assert.deepEqual([error?.status, error?.retry], [429, 'later'])
  assert.ok((error?.retryAfterSeconds ?? 0) >= 29 && (error?.retryAfterSeconds ?? 0) <= 30)
  const other = identifyWith(keyOf('a'))('x-api-key', A)
  assert.equal(check(other.x), null, 'a key without a limit')
  const none = identifyWith(keyOf('a', { rates: [{ ...rate, limit: 0 }] }))('x-api-key', A)
  assert.deepEqual([check(none.x)?.status, check(none.x)?.retryAfterSeconds], [429, 60])
})
