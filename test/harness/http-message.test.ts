import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MalformedMessage, readBody, readHead, requestFraming, responseFraming } from './http-message.ts'
import { RequestReader } from './wall/request-reader.ts'

test('reads a head with its fields and its length', () => {
  const head = readHead(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nx-b:  c \r\n\r\nrest'))
  assert.deepEqual(head, {
    startLine: 'GET / HTTP/1.1',
    fields: [
      ['Host', 'a'],
      ['x-b', 'c'],
    ],
    bytes: 37,
  })
  assert.equal(readHead(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n')), null)
})

test('refuses heads that a strict reader refuses', () => {
  for (const line of ['no colon', ': x', 'a b: x', 'a : x', ' folded', 'a: b\rc', 'a: b\nc: d', 'a: \0', 'a(: x']) {
    assert.throws(
      () => readHead(Buffer.from(`GET / HTTP/1.1\r\n${line}\r\n\r\n`)),
      MalformedMessage,
      JSON.stringify(line),
    )
  }
})

test('refuses framing with two readings', () => {
  const bad = [
    [
      ['content-length', '5'],
      ['transfer-encoding', 'chunked'],
    ],
    [
      ['content-length', '5'],
      ['Content-Length', '5'],
    ],
    [['content-length', '+5']],
    [['content-length', '5, 5']],
    [['transfer-encoding', 'gzip, chunked']],
  ] as const
  for (const fields of bad) assert.throws(() => requestFraming(fields), MalformedMessage, JSON.stringify(fields))
  assert.deepEqual(requestFraming([]), { kind: 'none' })
  assert.deepEqual(responseFraming(200, []), { kind: 'until-close' })
  assert.deepEqual(responseFraming(204, [['content-length', '5']]), { kind: 'none' })
})

test('reads a chunked body with extensions and trailers, and says when it is not complete', () => {
  const bytes = Buffer.from('4;a=b\r\nWiki\r\n5\r\npedia\r\n0\r\nx-t: 1\r\n\r\nNEXT')
  const body = readBody(bytes, 0, { kind: 'chunked' })
  assert.deepEqual([body.content.toString(), body.complete, body.end], ['Wikipedia', true, bytes.length - 4])
  for (let cut = 0; cut < bytes.length - 4; cut++) {
    assert.equal(readBody(bytes.subarray(0, cut), 0, { kind: 'chunked' }).complete, false, `cut at ${cut}`)
  }
  assert.throws(() => readBody(Buffer.from('0x4\r\nWiki\r\n0\r\n\r\n'), 0, { kind: 'chunked' }), MalformedMessage)
  assert.throws(() => readBody(Buffer.from('3\r\nWiki\r\n0\r\n\r\n'), 0, { kind: 'chunked' }), MalformedMessage)
})

test('cuts a connection into the same requests however its bytes are split', () => {
  const sized = 'POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello'
  const chunked = 'POST /b HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'
  const bytes = Buffer.from(`${sized}${chunked}GET /c HTTP/1.1\r\nhost: a\r\n\r\n`)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 8 }), (cuts) => {
      const reader = new RequestReader()
      const ends = [...cuts.toSorted((a, b) => a - b), bytes.length]
      const requests = ends.flatMap((end, index) => reader.push(bytes.subarray(index === 0 ? 0 : ends[index - 1], end)))
      assert.deepEqual(
        requests.map((request) => [request.head.startLine, request.body.toString()]),
        [
          ['POST /a HTTP/1.1', 'hello'],
          ['POST /b HTTP/1.1', 'abc'],
          ['GET /c HTTP/1.1', ''],
        ],
      )
      assert.equal(reader.pendingBytes, 0)
    }),
  )
})
