import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_V1_BYTES, MAX_V2_BYTES, type ProxyHeaderRead, readProxyHeader } from './proxy-header.ts'

const SIGNATURE = '\r\n\r\n\x00\r\nQUIT\n'

const read = (text: string) => readProxyHeader(Buffer.from(text, 'latin1'))

/** A header of version 2. */
function v2(head: { version?: number; kind?: number; length?: number }, body: Buffer | string = ''): Buffer {
  const bytes = Buffer.from(body)
  const { version = 0x21, kind = 0x11, length = bytes.length } = head
  return Buffer.concat([Buffer.from(SIGNATURE, 'latin1'), Buffer.of(version, kind, length >> 8, length & 255), bytes])
}

const V4 = Buffer.from('c0a800010a0000021f9000 50'.replaceAll(' ', ''), 'hex')
const V6 = Buffer.concat([Buffer.from('20010db8000000000000000000000001', 'hex'), Buffer.alloc(16, 1), Buffer.alloc(4)])
const MAPPED = Buffer.concat([Buffer.from('00000000000000000000ffff01020304', 'hex'), Buffer.alloc(20)])

test('reads headers of both versions, and how long they are', () => {
  const rows: readonly (readonly [what: string, bytes: Buffer, read: ProxyHeaderRead])[] = [
    ['TCP4', Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1 65535\r\nGET'), { address: '1.2.3.4', length: 36 }],
    ['TCP6', Buffer.from('PROXY TCP6 2001:0db8::0001 ::1 1 2\r\n'), { address: '2001:db8::1', length: 36 }],
    ['IPv4 in TCP6', Buffer.from('PROXY TCP6 ::ffff:1.2.3.4 ::1 1 2\r\n'), { address: '1.2.3.4', length: 35 }],
    ['UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n'), { address: null, length: 15 }],
    ['UNKNOWN with more', Buffer.from('PROXY UNKNOWN a b c\r\n'), { address: null, length: 21 }],
    ['v2, IPv4', v2({}, V4), { address: '192.168.0.1', length: 28 }],
    ['v2, IPv6', v2({ kind: 0x21 }, V6), { address: '2001:db8::1', length: 52 }],
    ['v2, IPv4 in IPv6', v2({ kind: 0x21 }, MAPPED), { address: '1.2.3.4', length: 52 }],
    ['v2 with fields', v2({}, Buffer.concat([V4, Buffer.alloc(500)])), { address: '192.168.0.1', length: 528 }],
    ['v2, local', v2({ version: 0x20, kind: 0 }), { address: null, length: 16 }],
    ['v2, local with addresses', v2({ version: 0x20 }, V4), { address: null, length: 28 }],
    ['v2, of no family', v2({ kind: 0 }), { address: null, length: 16 }],
    ['v2, of a Unix socket', v2({ kind: 0x31 }, Buffer.alloc(216)), { address: null, length: 232 }],
  ]
  for (const [what, bytes, expected] of rows) assert.deepEqual(readProxyHeader(bytes), expected, what)
})

test('what is not written as the protocol says is no header', () => {
  const rows: readonly string[] = [
    'PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n',
    'PROXY TCP4 1.2.3.4  5.6.7.8 1 2\r\n',
    'PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n',
    'PROXY TCP4 ::1 5.6.7.8 1 2\r\n',
    'PROXY TCP6 1.2.3.4 ::1 1 2\r\n',
    'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n',
    'PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n',
    'PROXY tcp4 1.2.3.4 5.6.7.8 1 2\r\n',
    'PROXY \r\n',
    `PROXY UNKNOWN ${'x'.repeat(MAX_V1_BYTES)}\r\n`,
    `PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n${' '.repeat(MAX_V1_BYTES)}`,
  ]
  for (const text of rows) assert.equal(read(text), 'invalid', text)
  const binary: readonly (readonly [what: string, bytes: Buffer])[] = [
    ['version 1', v2({ version: 0x11 }, V4)],
    ['version 3', v2({ version: 0x31 }, V4)],
    ['another command', v2({ version: 0x22 }, V4)],
    ['another family', v2({ kind: 0x41 }, V4)],
    ['another transport', v2({ kind: 0x13 }, V4)],
    ['a datagram', v2({ kind: 0x12 }, V4)],
    ['too short for IPv4', v2({}, V4.subarray(0, 11))],
    ['too short for IPv6', v2({ kind: 0x21 }, V4)],
    ['too long', v2({ length: MAX_V2_BYTES + 1 }, V4)],
  ]
  for (const [what, bytes] of binary) assert.equal(readProxyHeader(bytes), 'invalid', what)
  for (const text of ['GET / HTTP/1.1\r\n', 'PROXIES', 'POST /', '\x16\x03\x01', '\r\nGET'])
    assert.equal(read(text), 'none', text)
})

test('every beginning of a header waits for more, and what follows it changes nothing', () => {
  const octet = fc.integer({ min: 0, max: 255 })
  const port = fc.integer({ min: 0, max: 65_535 })
  const v4 = fc.tuple(octet, octet, octet, octet)
  const text = fc.tuple(v4, v4, port, port).map(([from, to, a, b]) => ({
    address: from.join('.'),
    header: Buffer.from(`PROXY TCP4 ${from.join('.')} ${to.join('.')} ${a} ${b}\r\n`),
  }))
  const binary = fc.tuple(v4, v4, port, port, fc.uint8Array({ maxLength: 300 })).map(([from, to, a, b, fields]) => ({
    address: from.join('.'),
    header: v2({}, Buffer.concat([Buffer.from([...from, ...to, a >> 8, a & 255, b >> 8, b & 255]), fields])),
  }))
  const rest = fc.uint8Array({ maxLength: 200 })
  fc.assert(
    fc.property(fc.oneof(text, binary), rest, fc.nat(), ({ address, header }, following, at) => {
      const { length } = header
      assert.deepEqual(readProxyHeader(Buffer.concat([header, following])), { address, length })
      assert.equal(readProxyHeader(header.subarray(0, at % length)), 'more')
    }),
  )
})

test('whatever comes is decided within the bound, without an exception', () => {
  const start = fc.constantFrom('PROXY ', 'PROXY TCP4 ', SIGNATURE, `${SIGNATURE}\x21\x11`, '')
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 5_000 }), (begin, noise) => {
      const bytes = Buffer.concat([Buffer.from(begin, 'latin1'), noise])
      const header = readProxyHeader(bytes)
      if (header === 'more') assert.ok(bytes.length < 16 + MAX_V2_BYTES)
      if (typeof header === 'object') assert.ok(header.length <= bytes.length)
    }),
  )
})
