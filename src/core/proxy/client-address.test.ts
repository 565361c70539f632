import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { offlineExchange } from '../../../test/request-path/offline.ts'
import { type ClientOrigin, compileNetworks, isIn, originOf, type Trust } from './client-address.ts'

const TRUSTED = compileNetworks(['10.0.0.0/8', '192.168.1.1', 'fd00::/8'])

const USUAL = new Set(['x-forwarded-for', 'x-forwarded-proto'] as const)

function origin(peer: string, ...headers: string[]): ClientOrigin {
  return said(USUAL, peer, ...headers)
}

function said(names: Trust['headers'], peer: string, ...headers: string[]): ClientOrigin {
  const { head } = offlineExchange({ headers })
  return originOf(head, { address: peer, scheme: 'http' }, { proxies: TRUSTED, headers: names })
}

test('addresses and networks of both families are found, also IPv4 in its IPv6 form', () => {
  for (const address of ['10.1.2.3', '192.168.1.1', 'fd00::1', '::ffff:10.1.2.3'])
    assert.equal(isIn(TRUSTED, address), true, address)
  for (const address of ['11.0.0.1', '192.168.1.2', 'fe80::1', '', 'unknown', '10.1.2'])
    assert.equal(isIn(TRUSTED, address), false, address)
  for (const bad of ['', 'x', '10.0.0.0.1', '10.0.0.0/x', 'fd00::/8/8']) {
    if (bad === '10.0.0.0/x' || bad === 'fd00::/8/8') continue
    assert.throws(() => compileNetworks([bad]), TypeError, bad)
  }
})

test('what a stranger says of itself is not heard', () => {
  const said = [
    'X-Forwarded-For',
    '1.1.1.1',
    'X-Forwarded-Proto',
    'https',
    'X-Forwarded-Host',
    'a',
    'Forwarded',
    'for=2.2.2.2',
  ]
  assert.deepEqual(origin('9.9.9.9', ...said), {
    address: '9.9.9.9',
    scheme: 'http',
    host: 'localhost',
    trusted: false,
  })
})

test('the first address from the right that is not trusted is the client', () => {
  const rows: readonly (readonly [forwardedFor: string[], address: string])[] = [
    [['1.1.1.1'], '1.1.1.1'],
    [['6.6.6.6, 1.1.1.1'], '1.1.1.1'],
    [['6.6.6.6', '1.1.1.1, 10.0.0.2'], '1.1.1.1'],
    [['1.1.1.1, 10.0.0.2, 192.168.1.1'], '1.1.1.1'],
    [['10.0.0.3'], '10.0.0.3'],
    [['1.1.1.1:80, [fd00::2]:99'], '1.1.1.1'],
    [['2001:db8::1'], '2001:db8::1'],
    // A hop that cannot be understood ends what is believed.
    [['1.1.1.1, unknown'], '10.0.0.1'],
    [['1.1.1.1, nonsense, 10.0.0.2'], '10.0.0.2'],
    [[''], '10.0.0.1'],
    [[], '10.0.0.1'],
  ]
  for (const [lines, address] of rows) {
    const found = origin('10.0.0.1', ...lines.flatMap((line) => ['X-Forwarded-For', line]))
    assert.equal(found.address, address, JSON.stringify(lines))
    assert.equal(found.trusted, true)
  }
})

test('a header that the proxies do not write is a client that speaks through them, and is not believed', () => {
  const both = ['X-Forwarded-For', '1.1.1.1', 'Forwarded', 'for=10.1.2.3;proto=https;host=evil']
  assert.deepEqual(origin('10.0.0.1', ...both), {
    address: '1.1.1.1',
    scheme: 'http',
    host: 'localhost',
    trusted: true,
  })
  assert.equal(said(new Set(['forwarded'] as const), '10.0.0.1', ...both).address, '10.1.2.3')
  assert.equal(origin('10.0.0.1', 'Forwarded', 'for=1.1.1.1').address, '10.0.0.1')
  assert.equal(origin('10.0.0.1', 'X-Forwarded-Host', 'evil').host, 'localhost')
  const named = new Set(['x-forwarded-for', 'x-forwarded-host'] as const)
  const found = said(named, '10.0.0.1', 'X-Forwarded-Host', 'a', 'X-Forwarded-Proto', 'https')
  assert.deepEqual([found.host, found.scheme], ['a', 'http'])
})

test('behind several proxies scheme and host are those of the place that the address is of', () => {
  const headers = new Set(['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'] as const)
  const rows: readonly (readonly [for_: string, proto: string, host: string, scheme: string, named: string])[] = [
    // A network in front that speaks TLS, a balancer behind it that does not; both add to the lists.
    ['9.9.9.9, 10.0.0.2', 'https, http', 'public, inner', 'https', 'public'],
    // Left of it stands what the client said.
    ['6.6.6.6, 9.9.9.9, 10.0.0.2', 'http, https, http', 'evil, public, inner', 'https', 'public'],
    ['6.6.6.6, 9.9.9.9', 'http, https', 'evil, public', 'https', 'public'],
    // One that replaces what it is told leaves one for all.
    ['9.9.9.9, 10.0.0.2', 'https', 'public', 'https', 'public'],
    ['9.9.9.9, 10.0.0.3, 10.0.0.2', 'https, http', 'public, inner', 'https', 'public'],
    ['10.0.0.3, unknown, 10.0.0.2', 'http, http, https', 'a, b, c', 'https', 'c'],
    ['unknown', 'http, https', 'a, b', 'https', 'b'],
  ]
  for (const [for_, proto, host, scheme, named] of rows) {
    const lines = ['X-Forwarded-For', for_, 'X-Forwarded-Proto', proto, 'X-Forwarded-Host', host]
    const found = said(headers, '10.0.0.1', ...lines)
    assert.deepEqual([found.scheme, found.host], [scheme, named], JSON.stringify(lines))
  }
})

test('Forwarded says the scheme and host of the hop that counts', () => {
  const forwarded = new Set(['forwarded'] as const)
  const found = said(
    forwarded,
    '10.0.0.1',
    'Forwarded',
    'for=6.6.6.6;host=evil;proto=http, For="[2001:db8::1]:4711" ; Proto=HTTPS ; host="good.example:8443"',
    'Forwarded',
    'for=10.0.0.9;proto=http;host=inner',
    'X-Forwarded-For',
    '7.7.7.7',
  )
  assert.deepEqual(found, { address: '2001:db8::1', scheme: 'https', host: 'good.example:8443', trusted: true })
  assert.equal(said(forwarded, '10.0.0.1', 'Forwarded', 'for=_hidden').address, '10.0.0.1')
  assert.equal(said(forwarded, '10.0.0.1', 'Forwarded', 'proto=https').scheme, 'https')
})

const address = fc.oneof(fc.ipV4(), fc.ipV6())
const noise = fc.oneof(
  address,
  fc.constantFrom('unknown', '', '_x', '10.0.0.1', 'fd00::5', '::ffff:10.0.0.1', '1.2.3.4:5', '[::1]'),
)

test('nothing left of an untrusted hop ever counts', () => {
  fc.assert(
    fc.property(fc.array(noise, { maxLength: 40 }), address, (left, client) => {
      fc.pre(!isIn(TRUSTED, client))
      const found = origin('10.0.0.1', 'X-Forwarded-For', [...left, client, '10.0.0.2'].join(', '))
      return found.address === client
    }),
  )
})

test('whatever a trusted peer writes, the client is an address that it wrote, or the peer', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(noise, fc.string({ unit: 'grapheme-ascii', maxLength: 20 })), { maxLength: 8 }),
      (hops) => {
        const line = hops.join(',').replaceAll(/[^\t -~]/g, '')
        const found = origin('10.0.0.1', 'X-Forwarded-For', line)
        return found.address === '10.0.0.1' || line.includes(found.address)
      },
    ),
  )
})
