import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultOf } from './fault.ts'

function withCode(code: string): Error {
  return Object.assign(new Error('words that change with every version'), { code })
}

test('classifies by code and by how far the exchange had come', () => {
  const rows = [
    // code, before the connection, before the head, within the body
    ['ECONNREFUSED', 'upstream_unreachable', 'upstream_unreachable', 'upstream_unreachable'],
    ['ENOTFOUND', 'upstream_unreachable', 'upstream_unreachable', 'upstream_unreachable'],
    ['EAI_AGAIN', 'upstream_unreachable', 'upstream_unreachable', 'upstream_unreachable'],
    ['EHOSTUNREACH', 'upstream_unreachable', 'upstream_unreachable', 'upstream_unreachable'],
    ['connect_timeout', 'upstream_unreachable', 'upstream_unreachable', 'upstream_unreachable'],
    ['ETIMEDOUT', 'upstream_unreachable', 'upstream_closed', 'upstream_truncated'],
    ['ECONNRESET', 'upstream_unreachable', 'upstream_closed', 'upstream_truncated'],
    ['EPIPE', 'upstream_unreachable', 'upstream_closed', 'upstream_truncated'],
    ['connection_closed', 'upstream_unreachable', 'upstream_closed', 'upstream_truncated'],
    ['pool_closed', 'upstream_unreachable', 'upstream_closed', 'upstream_truncated'],
    ['', 'upstream_unreachable', 'upstream_closed', 'upstream_truncated'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'upstream_tls', 'upstream_tls', 'upstream_tls'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'upstream_tls', 'upstream_tls', 'upstream_tls'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'upstream_tls', 'upstream_tls', 'upstream_tls'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'upstream_tls', 'upstream_tls', 'upstream_tls'],
    ['CERT_HAS_EXPIRED', 'upstream_tls', 'upstream_tls', 'upstream_tls'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'upstream_tls', 'upstream_tls', 'upstream_tls'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'upstream_tls', 'upstream_tls', 'upstream_tls'],
    ['EPROTO', 'upstream_tls', 'upstream_tls', 'upstream_tls'],
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
})
