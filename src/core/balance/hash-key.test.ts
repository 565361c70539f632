import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cookieOf, hashText, type KeySource, keyOf, NO_KEY } from './hash-key.ts'

function key(source: KeySource, headers: Readonly<Record<string, string>>, address = '192.0.2.7'): number {
  return keyOf(source, { address, header: (name) => headers[name] ?? null })
}

test('a header, a cookie or the address gives the key; what is missing or empty gives none', () => {
  assert.equal(key({ kind: 'header', name: 'x-user' }, { 'x-user': 'ann' }), hashText('ann'))
  assert.equal(key({ kind: 'cookie', name: 'sid' }, { cookie: 'a=1; sid=ann' }), hashText('ann'))
  assert.equal(key({ kind: 'address' }, {}), hashText('192.0.2.7'))
  assert.equal(key({ kind: 'header', name: 'x-user' }, {}), NO_KEY)
  assert.equal(key({ kind: 'header', name: 'x-user' }, { 'x-user': '' }), NO_KEY)
  assert.equal(key({ kind: 'cookie', name: 'sid' }, { cookie: 'a=1' }), NO_KEY)
})

test('a client has one key, whether it came to an IPv4 or an IPv6 socket', () => {
  assert.equal(key({ kind: 'address' }, {}, '::ffff:192.0.2.7'), key({ kind: 'address' }, {}))
})

for (const [header, value] of [
  ['sid=1', '1'],
  ['sid=1; sid=2', '1'],
  ['other=0;sid=1', '1'],
  ['other=0;  sid=1 ; x=2', '1'],
  ['xsid=0; sid=1', '1'],
  ['sidx=0; sid=1', '1'],
  ['sid=a=b', 'a=b'],
  ['sid=', ''],
  ['sid', null],
  ['SID=1', null],
  ['x=sid=1', null],
  ['', null],
  [null, null],
] as const) {
  test(`the cookie sid of ${header} is ${value}`, () => {
    assert.equal(cookieOf(header, 'sid'), value)
  })
}

test('hashes of short, similar texts are all different and use all bits', () => {
  const hashes = Array.from({ length: 20_000 }, (_, n) => hashText(`10.0.${n >> 8}.${n & 255}`))
  assert.ok(new Set(hashes).size >= 19_998)
  for (let bit = 0; bit < 32; bit++) {
    const ones = hashes.filter((hash) => ((hash >>> bit) & 1) === 1).length
    assert.ok(Math.abs(ones - 10_000) < 500, `bit ${bit} is one ${ones} times`)
  }
})
