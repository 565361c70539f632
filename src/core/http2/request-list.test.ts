import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readRequestHead } from '../http1/request-head.ts'
import { readRequestList } from './request-list.ts'

const PSEUDO = [':method', 'GET', ':scheme', 'https', ':authority', 'a', ':path', '/'] as const

const read = (list: readonly string[], complete = true) => readRequestList(list, { scheme: 'https', complete })

/** The list with some pseudo headers replaced, or left out (null), and others behind it. */
function fields(replace: Readonly<Record<string, string | null>>, ...more: readonly string[]): string[] {
  const list: string[] = []
  for (let at = 0; at < PSEUDO.length; at += 2) {
    const name = PSEUDO[at] as string // in range
    const value = name in replace ? replace[name] : PSEUDO[at + 1]
    if (value !== null && value !== undefined) list.push(name, value)
  }
  return [...list, ...more]
}

// The library refuses most of these before we see them; what it lets through tomorrow must be refused here.
test('H28 refuses by itself what can be read in two ways, with its own status', () => {
  const rows: readonly (readonly [what: string, list: readonly string[], status: number])[] = [
    ['transfer-encoding', fields({}, 'transfer-encoding', 'chunked'), 400],
    ['connection', fields({}, 'connection', 'keep-alive'), 400],
    ['proxy-connection', fields({}, 'proxy-connection', 'close'), 400],
    ['keep-alive', fields({}, 'keep-alive', '1'), 400],
    ['upgrade', fields({}, 'upgrade', 'h2c'), 400],
    ['te', fields({}, 'te', 'gzip, trailers'), 400],
    ['CRLF in a value', fields({}, 'a', 'b\r\nc: d'), 400],
    ['LF in a value', fields({}, 'a', 'b\nc'), 400],
    ['NUL in a value', fields({}, 'a', 'b\0c'), 400],
    ['a letter beyond latin1', fields({}, 'a', 'b\u010a'), 400],
    ['a space before a value', fields({}, 'a', ' b'), 400],
    ['a tab behind a value', fields({}, 'a', 'b\t'), 400],
    ['LF in a crumb', fields({}, 'cookie', 'a=1', 'cookie', 'b\n=2'), 400],
    ['upper case', fields({}, 'Abc', 'd'), 400],
    ['a space in a name', fields({}, 'a b', 'c'), 400],
    ['an empty name', fields({}, '', 'c'), 400],
    ['two methods', [...PSEUDO, ':method', 'GET'], 400],
    ['a pseudo header behind a header', [...PSEUDO.slice(2), 'a', 'b', ':method', 'GET'], 400],
    ['an unknown pseudo header', [':status', '200', ...PSEUDO], 400],
    ['no method', fields({ ':method': null }), 400],
    ['no path', fields({ ':path': null }), 400],
    ['no scheme', fields({ ':scheme': null }), 400],
    ['another scheme', fields({ ':scheme': 'http' }), 400],
    ['a method with a space', fields({ ':method': 'GET /' }), 400],
    ['a method that is too long', fields({ ':method': 'G'.repeat(33) }), 400],
    ['a path without a slash', fields({ ':path': 'a' }), 400],
    ['a URL', fields({ ':path': 'https://b/' }), 400],
    ['an asterisk', fields({ ':path': '*' }), 400],
    ['CRLF in a path', fields({ ':path': '/\r\n' }), 400],
    ['a space in a path', fields({ ':path': '/a b' }), 400],
    ['neither authority nor Host', fields({ ':authority': null }), 400],
    ['a user in the authority', fields({ ':authority': 'u@a' }), 400],
    ['a Host that differs', fields({}, 'host', 'b'), 400],
    ['a second Host that differs', fields({}, 'host', 'a', 'host', 'b'), 400],
    ['two Hosts alone', fields({ ':authority': null }, 'host', 'a', 'host', 'a'), 400],
    ['two lengths', fields({}, 'content-length', '1', 'content-length', '1'), 400],
    ['a length that is none', fields({}, 'content-length', '0x1'), 400],
    ['a length without a body', fields({}, 'content-length', '1'), 400],
    ['CONNECT', [':method', 'CONNECT', ':authority', 'a:1'], 400],
    ['too many headers', fields({}, ...Array<string[]>(100).fill(['a', 'b']).flat()), 431],
    ['a header that is too long', fields({}, 'a', 'x'.repeat(8_193)), 431],
    [
      'too much',
      fields(
        {},
        ...Array<string[]>(3)
          .fill(['a', 'x'.repeat(6_000)])
          .flat(),
      ),
      431,
    ],
    ['too many crumbs', fields({}, ...Array<string[]>(600).fill(['cookie', 'a']).flat()), 431],
  ]
  for (const [what, list, status] of rows) {
    const head = read(list)
    assert.equal(head.problem?.status, status, what)
    assert.deepEqual(head.names, [], what)
  }
})

test('says what HTTP/1.1 would have said', () => {
  const head = read(fields({ ':method': 'OPTIONS', ':path': '*' }, 'te', 'trailers', 'content-type', 'a/b'), false)
  assert.deepEqual([head.problem, head.target, head.host, head.contentType], [null, '*', 'a', 'a/b'])
  assert.equal(head.chunked, true)
  const known = read(fields({ ':method': 'POST' }, 'content-length', '3'), false)
  assert.deepEqual([known.chunked, known.contentLength], [false, 3])
  const host = read(fields({ ':authority': null }, 'host', 'b:8443'))
  assert.deepEqual([host.host, host.names, host.chunked], ['b:8443', ['host'], false])
  const both = read(
    fields({ ':authority': 'Example.COM' }, 'host', 'example.com', 'cookie', 'a=1', 'x', 'y', 'cookie', 'b=2'),
  )
  assert.deepEqual(both.names, ['host', 'cookie', 'x'])
  assert.deepEqual(both.values, ['Example.COM', 'a=1; b=2', 'y'])
})

test('a head that is taken is one that HTTP/1.1 takes too, and reads alike', () => {
  const text = fc.string({ unit: 'binary-ascii', maxLength: 12 })
  const name = fc.oneof(text, fc.constantFrom('a', 'host', 'expect', 'content-type', 'te', 'x-request-id', 'Accept'))
  const value = fc.oneof(text, fc.constantFrom('a', 'trailers', '1', 'b c', ' d'))
  const list = fc.array(fc.tuple(name, value), { maxLength: 6 })
  fc.assert(
    fc.property(list, fc.oneof(text, fc.constant('a')), fc.oneof(text, fc.constant('/')), (pairs, authority, path) => {
      const head = read(fields({ ':authority': authority, ':path': path }, ...pairs.flat()))
      if (head.problem !== null) return
      const lines = head.names.map((each, at) => `${each}: ${head.values[at]}\r\n`).join('')
      const other = readRequestHead(`${head.method} ${head.target} HTTP/1.1\r\n${lines}`)
      assert.ok('names' in other)
      assert.equal(other.problem, null)
      assert.deepEqual([other.names, other.values, other.target], [head.names, head.values, head.target])
    }),
    { numRuns: 2_000 },
  )
})
