import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isHopByHop, isTwin } from './hop-by-hop.ts'

test('headers of a connection stay, whatever Connection says', () => {
  const own = [
    'connection',
    'keep-alive',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'expect',
  ]
  for (const name of [...own, 'host', 'content-length', 'proxy-authorization', 'proxy-authenticate']) {
    for (const connection of [null, 'keep-alive', 'close', 'x-a'])
      assert.equal(isHopByHop(name, connection), true, name)
  }
})

test('what Connection names stays too, in any case and place of the list', () => {
  for (const connection of ['x-a', 'X-A', 'close, x-a', 'keep-alive ,\tX-a , b']) {
    assert.equal(isHopByHop('x-a', connection), true, connection)
  }
  for (const connection of [null, 'close', 'x-ab', 'ax-a', 'x-a-b, x']) {
    assert.equal(isHopByHop('x-a', connection), false, String(connection))
  }
})

test('who somebody is cannot be taken away by naming it', () => {
  for (const name of [
    'authorization',
    'cookie',
    'forwarded',
    'x-forwarded-for',
    'x-forwarded-anything',
    'x-real-ip',
    'x-api-key',
  ]) {
    assert.equal(isHopByHop(name, `close, ${name}`), false, name)
  }
})

test('a name with an underscore is a twin of the one with a hyphen', () => {
  assert.deepEqual(['x_real_ip', 'x-real-ip', '_'].map(isTwin), [true, false, true])
})
