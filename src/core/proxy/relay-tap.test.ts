import assert from 'node:assert/strict'
import { test } from 'node:test'
import { offlineExchange } from '../../../test/request-path/offline.ts'
import { GatewayError } from '../errors.ts'
import { RelayTap } from './relay-tap.ts'

test('passes bytes on as they are, up to the limit', () => {
  const tap = new RelayTap(offlineExchange({ method: 'GET' }), 5)
  assert.equal(tap.start(200, {}), 'relay')
  const piece = Buffer.from('abc')
  assert.equal(tap.push(piece), piece)
  assert.deepEqual(tap.push(Buffer.from('de')), Buffer.from('de'))
  assert.ok(tap.push(Buffer.from('f')) instanceof GatewayError)
  assert.equal(tap.end(), null)
})

test('refuses what says that it is too large, but not the head of what HEAD leaves out', () => {
  const headers = { 'content-length': '6' }
  assert.ok(new RelayTap(offlineExchange({ method: 'GET' }), 5).start(200, headers) instanceof GatewayError)
  assert.equal(new RelayTap(offlineExchange({ method: 'GET' }), 6).start(200, headers), 'relay')
  assert.equal(new RelayTap(offlineExchange({ method: 'HEAD' }), 5).start(200, headers), 'relay')
})

test('passes headers on without those of the connection, and speaks of the request itself', () => {
  const x = offlineExchange({ method: 'GET', headers: ['X-Request-Id', 'mine'] })
  const headers = new RelayTap(x, 1e9).headers({
    'content-length': '5',
    'set-cookie': ['a=1', 'b=2'],
    connection: ['keep-alive, x-gone', 'content-length'],
    'keep-alive': 'timeout=5',
    'x-gone': '1',
    'x-request-id': 'theirs',
    'x-ferro-request-id': 'theirs',
    etag: '"e"',
  })
  const expected = ['content-length', '5', 'set-cookie', 'a=1', 'set-cookie', 'b=2', 'etag', '"e"']
  assert.deepEqual(headers, [...expected, 'x-request-id', 'mine', 'x-ferro-request-id', x.id])
})
