import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECRET, targetOf } from '../../../test/request-path/chat.ts'
import { SecretSet } from '../providers/secret-set.ts'
import { errorOfAnswer } from './upstream-error.ts'

const body = (message: unknown) => Buffer.from(JSON.stringify({ error: { message, type: 't', code: 'c' } }))
const of = (status: number, said: Buffer, headers = {}) => errorOfAnswer(targetOf(), status, headers, said)

test('tells the client what a status means for it', () => {
  const rows = [
    // upstream's, code, status for the client, body passed on
    [400, 'upstream_rejected', 400, true],
    [404, 'upstream_rejected', 404, true],
    [409, 'upstream_rejected', 409, true],
    [413, 'upstream_rejected', 413, true],
    [422, 'upstream_rejected', 422, true],
    [499, 'upstream_rejected', 499, true],
    [401, 'upstream_auth', 502, false],
    [402, 'upstream_auth', 502, false],
    [403, 'upstream_auth', 502, false],
    [407, 'upstream_auth', 502, false],
    [408, 'upstream_timeout', 504, false],
    [429, 'upstream_rate_limited', 429, true],
    [500, 'upstream_error', 502, false],
    [501, 'upstream_error', 502, false],
    [502, 'upstream_error', 502, false],
    [503, 'upstream_overloaded', 503, false],
    [504, 'upstream_timeout', 504, false],
    [529, 'upstream_overloaded', 503, false],
    [599, 'upstream_error', 502, false],
  ] as const
  const said = body('words')
  for (const [upstream, code, status, passed] of rows) {
    const error = of(upstream, said)
    assert.deepEqual([error.code, error.status, error.source], [code, status, 'upstream'], String(upstream))
    assert.deepEqual(error.body, passed ? said : null, String(upstream))
    if (code === 'upstream_auth')
      assert.ok(!error.message.includes('words'), 'an account is the business of the operator')
    else if (['upstream_rejected', 'upstream_rate_limited', 'upstream_overloaded'].includes(code)) {
      assert.equal(error.message, 'words', 'programs know messages by their beginnings')
    } else assert.ok(error.message.includes(`${upstream}: words`))
  }
})

test('never quotes a credential, however it is written', () => {
  const slashed = 'base64/secret+"quoted"'
  const target = targetOf({ secrets: new SecretSet([SECRET, slashed, 'x']) })
  const bodies = [
    body(`wrong key ${SECRET}`),
    Buffer.from(`{"error":{"message":"wrong","detail":"${SECRET}"}}`),
    Buffer.from(`{"error":{"message":"wrong \\u0070${SECRET.slice(1)}"}}`),
    body(`wrong key ${slashed}`),
    Buffer.from(`{"error":{"message":"wrong ${JSON.stringify(slashed).slice(1, -1).replaceAll('/', '\\/')}"}}`),
    Buffer.from(`{"error":{"message":"wrong"},"detail":${JSON.stringify(slashed).replaceAll('/', '\\/')}}`),
    Buffer.from(`<html>${SECRET}</html>`),
  ]
  for (const said of bodies) {
    for (const status of [400, 429, 500]) {
      const error = errorOfAnswer(target, status, {}, said)
      assert.equal(error.body, null, said.toString())
      assert.equal(error.message, `far answered ${status}.`, said.toString())
    }
  }
})

test('passes on only bodies of the shape that clients expect', () => {
  const rows: readonly (readonly [said: string, message: string | null])[] = [
    ['{"error":{"message":"words"}}', 'words'],
    ['{"error":"words"}', 'words'],
    ['{"error":{"message":7}}', null],
    ['{"error":null}', null],
    ['{"message":"words"}', null],
    ['["error"]', null],
    ['"error"', null],
    ['null', null],
    ['', null],
    ['<html>Bad Gateway</html>', null],
    ['{"error":{"message":"cut', null],
  ]
  for (const [said, message] of rows) {
    const error = of(400, Buffer.from(said))
    assert.equal(error.message, message === null ? 'far answered 400.' : message, said)
    assert.equal(error.body?.toString() ?? null, message === null ? null : said, said)
  }
})

test('quotes a long message only in part', () => {
  assert.ok(of(500, body('x'.repeat(10_000))).message.length < 600)
})

test('hands on when a retry may succeed', () => {
  const date = (seconds: number) => new Date(Date.now() + seconds * 1_000).toUTCString()
  const rows = [
    ['7', 7, 7],
    ['0', 0, 0],
    [date(30), 28, 31],
    [date(-30), 0, 0],
  ] as const
  for (const [value, least, most] of rows) {
    const seconds = of(429, body('x'), { 'retry-after': value }).retryAfterSeconds ?? -1
    assert.ok(seconds >= least && seconds <= most, `${value}: ${seconds}`)
  }
  for (const value of ['soon', '-1', '1.5', '', '99999999', undefined, ['1', '2']]) {
    assert.equal(of(429, body('x'), { 'retry-after': value }).retryAfterSeconds, null, String(value))
  }
})

test('a wait that stands in the body alone counts, and one in a header wins over it', () => {
  const said = (retryDelay: unknown) =>
    Buffer.from(JSON.stringify({ error: { message: 'm', details: [{ quotaId: 'x' }, { retryDelay }] } }))
  assert.equal(of(429, said('36.2s')).retryAfterSeconds, 37)
  assert.equal(of(503, said('2s')).retryAfterSeconds, 2)
  assert.equal(of(429, Buffer.from(`[${said('9s').toString()}]`)).retryAfterSeconds, 9)
  assert.equal(of(429, said('36s'), { 'retry-after': '5' }).retryAfterSeconds, 5)
  assert.equal(of(400, said('36s')).retryAfterSeconds, null)
  for (const none of ['soon', 7, null]) assert.equal(of(429, said(none)).retryAfterSeconds, null)
})
