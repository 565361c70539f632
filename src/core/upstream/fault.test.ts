import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultOf, isRefused } from './fault.ts'

function withCode(code: string): Error {
  return Object.assign(new Error('words that change with every version'), { code })
}

test('classifies by code and by how far the exchange had come', () => {
  const rows = [
    // code, before the connection, before the head, within the body
    ['ECONNREFUSED', 'upstream_unreachable', 'upstream_closed', 'upstream_truncated'],
    ['ENOTFOUND', 'upstream_unreachable', 'upstream_closed', 'upstream_truncated'],
    ['EAI_AGAIN', 'upstream_unreachable', 'upstream_closed', 'upstream_truncated'],
    ['EHOSTUNREACH', 'upstream_unreachable', 'upstream_closed', 'upstream_truncated'],
    ['connect_timeout', 'upstream_unreachable', 'upstream_closed', 'upstream_truncated'],
    ['ETIMEDOUT', 'upstream_unreachable', 'upstream_closed', 'upstream_truncated'],
    ['ECONNRESET', 'upstream_unreachable', 'upstream_closed', 'upstream_truncated'],
    ['EPIPE', 'upstream_unreachable', 'upstream_closed', 'upstream_truncated'],
    ['connection_closed', 'upstream_unreachable', 'upstream_closed', 'upstream_truncated'],
    ['pool_closed', 'upstream_unreachable', 'upstream_closed', 'upstream_truncated'],
    ['', 'upstream_unreachable', 'upstream_closed', 'upstream_truncated'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'upstream_tls', 'upstream_closed', 'upstream_truncated'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'upstream_tls', 'upstream_closed', 'upstream_truncated'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'upstream_tls', 'upstream_closed', 'upstream_truncated'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'upstream_tls', 'upstream_closed', 'upstream_truncated'],
    ['CERT_HAS_EXPIRED', 'upstream_tls', 'upstream_closed', 'upstream_truncated'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'upstream_tls', 'upstream_closed', 'upstream_truncated'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'upstream_tls', 'upstream_closed', 'upstream_truncated'],
    ['EPROTO', 'upstream_tls', 'upstream_closed', 'upstream_truncated'],
    ['invalid_answer', 'upstream_invalid_response', 'upstream_invalid_response', 'upstream_truncated'],
  ] as const
  for (const [code, ...expected] of rows) {
    const stages = [
      [false, false],
      [true, false],
      [true, true],
    ] as const
    const found = stages.map(([connected, answering]) => faultOf(withCode(code), 'far', connected, answering).code)
    assert.deepEqual(found, expected, code)
  }
})

test('says that nothing was sent only where that is true', () => {
  for (const code of ['EHOSTUNREACH', 'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC', 'ENETUNREACH', 'ETIMEDOUT']) {
    assert.equal(faultOf(withCode(code), 'far', false, false).retry, 'safe', code)
    assert.notEqual(faultOf(withCode(code), 'far', true, false).retry, 'safe', code)
    assert.notEqual(faultOf(withCode(code), 'far', true, true).retry, 'safe', code)
  }
})

test('names the upstream and the code, never the message of the cause', () => {
  const error = faultOf(Object.assign(new Error('secret words'), { code: 'ECONNRESET' }), 'far', true, false)
  assert.equal(error.message, 'far closed the connection without an answer (ECONNRESET).')
  assert.equal(error.source, 'upstream')
})

test('looks for the code in the causes of an error that has none', () => {
  const inner = withCode('CERT_HAS_EXPIRED')
  const error = faultOf(new TypeError('failed', { cause: new Error('wrapped', { cause: inner }) }), 'far', false, false)
  assert.equal(error.code, 'upstream_tls')
  const circular = new Error('circular')
  circular.cause = circular
  assert.equal(faultOf(circular, 'far', false, false).code, 'upstream_unreachable')
  const one = new Error('one')
  one.cause = new Error('two', { cause: one })
  assert.equal(faultOf(one, 'far', true, false).code, 'upstream_closed')
})

test('only a refused stream says that nobody looked at the request', () => {
  assert.equal(isRefused(withCode('refused_stream')), true)
  assert.equal(isRefused(new Error('outer', { cause: withCode('refused_stream') })), true)
  for (const code of ['connection_closed', 'stale_connection', '']) assert.equal(isRefused(withCode(code)), false)
  assert.equal(isRefused(undefined), false)
})
