import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { BlockList, isIPv4, SocketAddress } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { classifyAddress } from './address-class.ts'
import { ADDRESS_RANGES } from './address-ranges.ts'
import { canonicalHost, contains, parseAddress, parseCidr } from './ip-address.ts'

const classOf = (text: string) => classifyAddress(text)?.class

test('names the class of an address of every range', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['8.8.8.8', 'public'],
    ['2606:4700::1111', 'public'],
    ['10.255.255.255', 'private'],
    ['11.0.0.0', 'public'],
    ['172.15.255.255', 'public'],
    ['172.16.0.0', 'private'],
    ['172.31.255.255', 'private'],
    ['172.32.0.0', 'public'],
    ['192.168.0.1', 'private'],
    ['100.64.0.1', 'private'],
    ['100.128.0.0', 'public'],
    ['fc00::', 'private'],
    ['fdff::1', 'private'],
    ['fec0::1', 'private'],
    ['64:ff9b:1::1', 'private'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.255', 'loopback'],
    ['::1', 'loopback'],
    ['169.254.1.1', 'link-local'],
    ['fe80::', 'link-local'],
    ['fe80::1%eth0', 'link-local'],
    ['169.254.169.254', 'metadata'],
    ['fd00:ec2::254', 'metadata'],
    ['100.100.100.200', 'metadata'],
    ['168.63.129.16', 'metadata'],
    ['224.0.0.1', 'multicast'],
    ['ff02::1', 'multicast'],
    ['0.0.0.0', 'reserved'],
    ['0.1.2.3', 'reserved'],
    ['192.0.0.1', 'reserved'],
    ['192.0.2.1', 'reserved'],
    ['198.18.0.1', 'reserved'],
    ['198.19.255.255', 'reserved'],
    ['203.0.113.9', 'reserved'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'reserved'],
    ['::', 'reserved'],
    ['100::1', 'reserved'],
    ['2001::1', 'reserved'],
    ['2001:db8::1', 'reserved'],
    ['3fff::1', 'reserved'],
    ['4000::1', 'reserved'],
  ]
  for (const [address, expected] of rows) assert.equal(classOf(address), expected, address)
})

test('an IPv6 address that carries an IPv4 address is of the class of that', () => {
  const carriers = [
    (hex: string) => `::ffff:${hex}`,
    (hex: string) => `::ffff:0:${hex}`,
    (hex: string) => `64:ff9b::${hex}`,
    (hex: string) => `2002:${hex}::`,
    (hex: string) => `2002:${hex}:ffff:1:2:3:4`,
  ]
  for (const [hex, expected] of [
    ['7f00:1', 'loopback'],
    ['a00:1', 'private'],
    ['a9fe:a9fe', 'metadata'],
    ['0:0', 'reserved'],
    ['808:808', 'public'],
  ] as const) {
    for (const carrier of carriers) assert.equal(classOf(carrier(hex)), expected, carrier(hex))
  }
  assert.equal(classOf('::ffff:127.0.0.1'), 'loopback')
  assert.equal(classOf('0:0:0:0:0:FFFF:7F00:0001'), 'loopback')
  assert.equal(classOf('::127.0.0.1'), 'loopback')
})

test('every spelling that a resolver takes for an address is that address, or no host at all', () => {
  const same: readonly (readonly [string, string])[] = [
    ['127.1', '127.0.0.1'],
    ['0', '0.0.0.0'],
    ['2130706433', '127.0.0.1'],
    ['0x7f.1', '127.0.0.1'],
    ['0x7f000001', '127.0.0.1'],
    ['017700000001', '127.0.0.1'],
    ['0177.0.0.01', '127.0.0.1'],
    ['127.0.0.1.', '127.0.0.1'],
    ['169.254.43518', '169.254.169.254'],
    ['0xA9FEA9FE', '169.254.169.254'],
    ['LOCALHOST.', 'localhost'],
    ['Metadata.Google.Internal', 'metadata.google.internal'],
    ['my_service', 'my_service'],
    ['::FFFF:127.0.0.1', '::FFFF:127.0.0.1'],
  ]
  for (const [text, expected] of same) assert.equal(canonicalHost(text), expected, text)
  const none = [
    '',
    '.',
    '..',
    '.a',
    'a..b',
    '1.2.3.08',
    '127.0.0.256',
    '4294967296',
    '[::1]',
    'a b',
    'a/b',
    'a\\b',
    'a@b',
    'a:1',
  ]
  for (const text of [...none, 'a\tb', '127.0.0.1\n', '１２７.0.0.1', 'ⓛocalhost', 'a%2eb', 'a#b', 'x'.repeat(300)]) {
    assert.equal(canonicalHost(text), null, JSON.stringify(text))
  }
})

const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))
const ipv4 = octets.map((parts) => parts.join('.'))

test('agrees with the lists of addresses that Node has of its own, for every range and any address', () => {
  const near = fc.constantFrom(...ADDRESS_RANGES.map(({ cidr }) => cidr.split('/')[0] ?? ''))
  for (const { cidr } of ADDRESS_RANGES) {
    const [base = '', prefix] = cidr.split('/')
    const family = isIPv4(base) ? 'ipv4' : 'ipv6'
    const oracle = new BlockList()
    oracle.addSubnet(base, Number(prefix), family)
    const range = parseCidr(cidr)
    assert.ok(range)
    fc.assert(
      fc.property(fc.oneof(ipv4, fc.ipV6(), near), (text) => {
        const address = parseAddress(text)
        assert.ok(address)
        const own = address.family === 4 ? 'ipv4' : 'ipv6'
        // Node's lists look through mapped addresses; here the families are apart.
        if (own === family) assert.equal(contains(range, address), oracle.check(text, own), `${text} in ${cidr}`)
        else assert.equal(contains(range, address), false)
      }),
      { numRuns: 60 },
    )
  }
})

test('reads every spelling of an address as the system does', () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const written = new SocketAddress({ address: text, family: 'ipv6' }).address
      assert.deepEqual(parseAddress(text), parseAddress(written), text)
      assert.deepEqual(parseAddress(text.toUpperCase()), parseAddress(written))
    }),
  )
})

test('no number of an address escapes the class of the address', () => {
  const spellings = [
    ([a, b, c, d]: readonly number[]) => `${a}.${b}.${(c ?? 0) * 256 + (d ?? 0)}`,
    ([a, b, c, d]: readonly number[]) => `${a}.${((b ?? 0) * 256 + (c ?? 0)) * 256 + (d ?? 0)}`,
    (parts: readonly number[]) => `${parts.reduce((sum, part) => sum * 256 + part, 0)}`,
    (parts: readonly number[]) => parts.map((part) => `0x${part.toString(16)}`).join('.'),
    (parts: readonly number[]) => parts.map((part) => `0${part.toString(8)}`).join('.'),
    (parts: readonly number[]) => `0x${parts.reduce((sum, part) => sum * 256 + part, 0).toString(16)}`,
  ]
  fc.assert(
    fc.property(octets, fc.constantFrom(...spellings), (parts, spell) => {
      assert.equal(canonicalHost(spell(parts)), parts.join('.'))
    }),
  )
})

test('any text is an address, a host, or nothing, and never a fault', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.domain(), fc.string({ unit: fc.constantFrom(...'0x.:f1%[]'.split('')) })),
      (text) => {
        const host = canonicalHost(text)
        // Judged once is judged for good.
        if (host !== null) assert.equal(canonicalHost(host), host)
        classifyAddress(text)
        parseCidr(text)
      },
    ),
    { numRuns: 2_000 },
  )
})

test('refuses ranges that are none', () => {
  for (const text of ['', '10.0.0.0/33', '10.0.0.1/8', '::/129', '10.0.0.0/', '10/8', '10.0.0.0/8 ', 'fc00::1/7']) {
    assert.equal(parseCidr(text), null, text)
  }
})

test('the documentation names every metadata service, and no other class for what it shows', () => {
  const page = readFileSync(new URL('../../../docs/egress.md', import.meta.url), 'utf8')
  for (const { cidr, class: kind } of ADDRESS_RANGES) {
    if (kind === 'metadata') assert.ok(page.includes(`\`${cidr.split('/')[0]}\``), cidr)
  }
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (.+) \| (?:allowed|refused) \|$/gm)]
  assert.equal(rows.length, 7)
  for (const [, kind, examples = ''] of rows) {
    for (const [, text = ''] of examples.matchAll(/`([^`]+)`/g)) {
      assert.equal(classOf(text.split('/')[0] ?? ''), kind, text)
    }
  }
})
