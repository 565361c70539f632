import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { AnswerHead } from './answer-head.ts'
import { AnswerParser } from './answer-parser.ts'
import { TransportError } from './transport-error.ts'

interface Read {
  readonly status: number
  readonly headers: AnswerHead['headers'] | null
  readonly keepAlive: boolean
  readonly body: string
  readonly complete: boolean
  readonly leftover: boolean
  readonly code: string | null
}

/** Reads one answer from pieces; `closed` ends the connection behind them. */
function read(pieces: readonly (string | Buffer)[], { method = 'GET', closed = false } = {}): Read {
  let head: AnswerHead | null = null
  const body: Buffer[] = []
  let complete = false
  let leftover = false
  const parser = new AnswerParser({
    onHead: (given) => {
      assert.equal(head, null, 'one head')
      head = given
    },
    onBody: (bytes) => {
      assert.ok(head !== null && !complete && bytes.length > 0)
      body.push(Buffer.from(bytes))
    },
    onComplete: (more) => {
      assert.equal(complete, false, 'one end')
      complete = true
      leftover = more
    },
  })
  parser.expect(method)
  let code: string | null = null
  try {
    for (const piece of pieces) parser.push(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece)
    if (closed) parser.end()
  } catch (error) {
    assert.ok(error instanceof TransportError, String(error))
    code = error.code
  }
  // Assigned in a callback, which the compiler does not follow.
  const given = head as AnswerHead | null
  const { status = 0, headers = null, keepAlive = false } = given ?? {}
  const text = Buffer.concat(body).toString('latin1')
  return { status, headers, keepAlive, body: text, complete, leftover, code }
}

const head = (fields = '', line = 'HTTP/1.1 200 OK') => `${line}\r\n${fields}\r\n`

test('knows where each kind of answer ends', () => {
  const rows: readonly (readonly [what: string, bytes: string, body: string, keepAlive: boolean, method?: string])[] = [
    ['a length', `${head('Content-Length: 2\r\n')}ok`, 'ok', true],
    ['a length of zero', head('Content-Length: 0\r\n'), '', true],
    ['chunks', `${head('Transfer-Encoding: chunked\r\n')}2\r\nok\r\n0\r\n\r\n`, 'ok', true],
    ['chunks in any case', `${head('transfer-encoding: Chunked\r\n')}A\r\n0123456789\r\n0\r\n\r\n`, '0123456789', true],
    ['chunk extensions', `${head('Transfer-Encoding: chunked\r\n')}2;a=b\r\nok\r\n0;c\r\n\r\n`, 'ok', true],
    ['trailers', `${head('Transfer-Encoding: chunked\r\n')}2\r\nok\r\n0\r\nA: b\r\nC: d\r\n\r\n`, 'ok', true],
    ['HEAD', head('Content-Length: 99\r\n'), '', true, 'HEAD'],
    ['no content', head('', 'HTTP/1.1 204 No Content'), '', true],
    ['not modified', head('Content-Length: 9\r\n', 'HTTP/1.1 304 Not Modified'), '', true],
    ['a close', `${head('Connection: close\r\nContent-Length: 2\r\n')}ok`, 'ok', false],
    ['a close in a list', `${head('Connection: x, Close\r\nContent-Length: 2\r\n')}ok`, 'ok', false],
    ['HTTP/1.0', `${head('Content-Length: 2\r\n', 'HTTP/1.0 200 OK')}ok`, 'ok', false],
    ['an interim answer first', `${head('', 'HTTP/1.1 103 Early')}${head('Content-Length: 2\r\n')}ok`, 'ok', true],
    ['no reason', `${head('Content-Length: 2\r\n', 'HTTP/1.1 200')}ok`, 'ok', true],
    ['an empty reason', `${head('Content-Length: 2\r\n', 'HTTP/1.1 200 ')}ok`, 'ok', true],
    ['a reason beyond ASCII', `${head('Content-Length: 2\r\n', 'HTTP/1.1 200 Schön\t!')}ok`, 'ok', true],
    [
      'an extension on each of many chunks',
      `${head('Transfer-Encoding: chunked\r\n')}${`1;${'x'.repeat(50)}\r\na\r\n`.repeat(90)}0\r\n\r\n`,
      'a'.repeat(90),
      true,
    ],
    [
      'a hundred interim answers',
      `${head('A: b\r\n', 'HTTP/1.1 102 Processing').repeat(100)}${head('Content-Length: 2\r\n')}ok`,
      'ok',
      true,
    ],
    ['two hundred headers', `${head(`${'A: b\r\n'.repeat(199)}Content-Length: 2\r\n`)}ok`, 'ok', true],
    ['a head of 15 KiB', `${head(`A: ${'x'.repeat(15_300)}\r\nContent-Length: 2\r\n`)}ok`, 'ok', true],
    ['the largest chunk size', `${head('Transfer-Encoding: chunked\r\n')}000000000002\r\nok\r\n00\r\n\r\n`, 'ok', true],
  ]
  for (const [what, bytes, body, keepAlive, method = 'GET'] of rows) {
    for (const pieces of [[bytes], bytes.split('')]) {
      const answer = read(pieces, { method })
      assert.deepEqual(
        [answer.complete, answer.body, answer.keepAlive, answer.code],
        [true, body, keepAlive, null],
        what,
      )
      assert.equal(answer.leftover, false, what)
    }
    assert.equal(read([`${bytes}HTTP`], { method }).leftover, true, what)
    // Whatever is missing at the end makes it incomplete.
    const step = Math.ceil(bytes.length / 500)
    for (let at = 1; at < bytes.length; at += step) {
      const cut = read([bytes.slice(0, at)], { method, closed: true })
      assert.deepEqual([cut.complete, cut.code], [false, 'connection_closed'], `${what}, cut at ${at}`)
    }
  }
})

test('an answer without a length ends with its connection', () => {
  const open = read([`${head()}ok`])
  assert.deepEqual([open.complete, open.body], [false, 'ok'])
  const closed = read([`${head()}ok`], { closed: true })
  assert.deepEqual([closed.complete, closed.body, closed.keepAlive, closed.code], [true, 'ok', false, null])
})

test('refuses what is not strictly HTTP, or could be cut in two ways', () => {
  const chunked = head('Transfer-Encoding: chunked\r\n')
  const rows: readonly (readonly [what: string, bytes: string])[] = [
    ['another protocol', 'SSH-2.0-far\r\n'],
    ['TLS', '\x15\x03\x01\x00\x02\x02\x46'],
    ['HTTP/2', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['HTTP/0.9', '<html>'],
    ['a status of two digits', head('', 'HTTP/1.1 20 OK')],
    ['a status of four digits', head('', 'HTTP/1.1 2000 OK')],
    ['a status that begins with zero', head('', 'HTTP/1.1 099 OK')],
    ['a status that does not exist', head('', 'HTTP/1.1 600 Odd')],
    ['a status that is no number', head('', 'HTTP/1.1 abc Odd')],
    ['a lower-case status line', head('', 'http/1.1 200 OK')],
    ['a version without a minor part', head('', 'HTTP/1 200 OK')],
    ['a later version', head('', 'HTTP/1.2 200 OK')],
    ['a preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['settings of HTTP/2', '\0\0\x12\x04\0\0\0\0\0'],
    ['a control character in the status line', head('', 'HTTP/1.1 200 O\x01K')],
    ['a tab before the status', head('', 'HTTP/1.1\t200 OK')],
    ['a reason that touches the status', head('', 'HTTP/1.1 200OK')],
    ['an empty line before the status line', `\r\n${head()}`],
    ['a space before the status line', ` ${head()}`],
    ['a second space', head('', 'HTTP/1.1  200 OK')],
    ['a switch of protocols', head('Upgrade: x\r\n', 'HTTP/1.1 101 Switching')],
    ['interim answers without end', head('', 'HTTP/1.1 100 Continue').repeat(101)],
    ['both framings', head('Content-Length: 2\r\nTransfer-Encoding: chunked\r\n')],
    ['two lengths that agree', head('Content-Length: 2\r\nContent-Length: 2\r\n')],
    ['a list of lengths', head('Content-Length: 2, 2\r\n')],
    ['a negative length', head('Content-Length: -2\r\n')],
    ['a hexadecimal length', head('Content-Length: 0x2\r\n')],
    ['a zero before the length', head('Content-Length: 02\r\n')],
    ['a signed length', head('Content-Length: +2\r\n')],
    ['two lengths that differ', head('Content-Length: 2\r\ncontent-length: 3\r\n')],
    ['a length with a space in it', head('Content-Length: 2 2\r\n')],
    ['a length beyond what counts exactly', head(`Content-Length: 9${'0'.repeat(15)}\r\n`)],
    ['a length that is a fraction', head('Content-Length: 2.0\r\n')],
    ['a length in other digits', head('Content-Length: \xb2\r\n')],
    ['an empty length', head('Content-Length:\r\n')],
    ['an unknown coding', head('Transfer-Encoding: identity\r\n')],
    ['a coding with a parameter', head('Transfer-Encoding: chunked;q=1\r\n')],
    ['an empty coding', head('Transfer-Encoding:\r\n')],
    ['a coding between control characters', head('Transfer-Encoding: \x0bchunked\r\n')],
    ['both framings where no body is', head('Content-Length: 2\r\nTransfer-Encoding: chunked\r\n', 'HTTP/1.1 204 X')],
    ['a second coding', head('Transfer-Encoding: gzip, chunked\r\n')],
    ['a coding twice', head('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n')],
    ['a coding of HTTP/1.0', head('Transfer-Encoding: chunked\r\n', 'HTTP/1.0 200 OK')],
    ['a space before the colon', head('A : b\r\n')],
    ['a folded header', head('A: b\r\n c\r\n')],
    ['a header folded by a tab', head('A: b\r\n\tc: d\r\n')],
    ['a folded first header', head(' A: b\r\n')],
    ['a name with a space', head('A b: c\r\n')],
    ['a name beyond ASCII', head('Ä: b\r\n')],
    ['a name in quotes', head('"A": b\r\n')],
    ['a name that ends in NUL', head('A\0: b\r\n')],
    ['DEL', head('A: \x7f\r\n')],
    ['a bell', head('A: \x07\r\n')],
    ['a vertical tab', head('A: b\x0bc\r\n')],
    ['a CR before the CRLF', head('A: b\r\r\n')],
    ['line feeds alone', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n\r\n\r\n'],
    ['no colon', head('A\r\n')],
    ['no name', head(': a\r\n')],
    ['a bare CR', head('A: b\rc\r\n')],
    ['a bare LF', head('A: b\nC: d\r\n')],
    ['NUL', head('A: \0\r\n')],
    ['a head without end', `${head().slice(0, -2)}A: ${'x'.repeat(15_360)}`],
    ['a head that is too long', head(`A: ${'x'.repeat(15_360)}\r\n`)],
    ['too many headers', head('A: b\r\n'.repeat(201))],
    ['a chunk without size', `${chunked}\r\n`],
    ['a chunk size with a sign', `${chunked}+2\r\nok\r\n`],
    ['a chunk size with a prefix', `${chunked}0x2\r\nok\r\n`],
    ['a chunk size with a space', `${chunked}2 \r\nok\r\n`],
    ['a chunk size of seventeen digits', `${chunked}${'0'.repeat(16)}2\r\nok\r\n`],
    ['a negative chunk size', `${chunked}-2\r\nok\r\n`],
    ['a space before the chunk size', `${chunked} 2\r\nok\r\n`],
    ['a chunk size in other letters', `${chunked}g\r\nok\r\n`],
    ['a chunk size with a bare CR', `${chunked}2\rok\r\n`],
    ['an extension with a bare CR', `${chunked}2;a\rb\r\nok\r\n`],
    ['an extension without a size', `${chunked};a\r\nok\r\n`],
    ['a trailer with a bare CR', `${chunked}0\r\nA: b\rc\r\n\r\n`],
    ['a chunk size with a bare LF', `${chunked}2\nok\r\n`],
    ['a chunk size beyond what counts exactly', `${chunked}${'f'.repeat(13)}\r\n`],
    ['a chunk longer than its size', `${chunked}2\r\nokay\r\n`],
    ['a chunk that ends with a bare LF', `${chunked}2\r\nok\n0\r\n\r\n`],
    ['an extension without end', `${chunked}2;${'x'.repeat(20_000)}`],
    ['an extension with a line feed', `${chunked}2;a\nb\r\nok\r\n`],
    ['trailers without end', `${chunked}0\r\n${'A: b\r\n'.repeat(4_000)}`],
    ['a trailer with NUL', `${chunked}0\r\nA: \0\r\n\r\n`],
    ['an extension with DEL', `${chunked}2;\x7f\r\nok\r\n`],
    ['a trailer with a bare LF', `${chunked}0\r\nA: b\n\r\n`],
  ]
  for (const [what, bytes] of rows) {
    for (const pieces of [[bytes], bytes.split('')]) {
      const answer = read(pieces)
      assert.deepEqual([answer.code, answer.complete], ['invalid_answer', false], what)
    }
  }
})

test('a head whose lines end with a bare line feed is refused as soon as that is seen', () => {
  for (const text of ['HTTP/1.1 200 OK\n', 'HTTP/1.1 200 OK\nA: b\n\nok', 'HTTP/1.1 200 OK\r\nA: b\n\nok']) {
    assert.equal(read([text]).code, 'invalid_answer', text)
    assert.equal(read(text.split('')).code, 'invalid_answer', text)
  }
  assert.equal(read(['HTTP/1.1 200 OK\r\nA: b\r\n']).code, null)
})

test('gives headers by their name in lower case, repeated ones as a list, and none of an object itself', () => {
  const { headers } = read([
    head('A: 1 \r\nb:\t2\r\nA:3\r\nA: 4\r\nconstructor: 5\r\n__proto__: 6\r\nContent-Length: 0\r\n'),
  ])
  assert.deepEqual({ ...headers }, { a: ['1', '3', '4'], b: '2', constructor: '5', 'content-length': '0' })
  assert.equal(Object.getPrototypeOf(headers), Object.prototype)
})

test('however the bytes are cut, the answer is the same', () => {
  const body = fc.string({ unit: fc.constantFrom('a', '\r', '\n', '0', ';', 'ÿ'), maxLength: 60 })
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 })
  const places = fc.array(fc.nat(), { maxLength: 20 })
  fc.assert(
    fc.property(body, sizes, places, fc.boolean(), (text, lengths, cuts, chunked) => {
      let bytes = chunked
        ? head('Transfer-Encoding: chunked\r\n')
        : `${head(`Content-Length: ${text.length}\r\n`)}${text}`
      if (chunked) {
        for (let at = 0, turn = 0; at < text.length; turn++) {
          const piece = text.slice(at, at + (lengths[turn % lengths.length] ?? 1))
          bytes += `${piece.length.toString(16)}\r\n${piece}\r\n`
          at += piece.length
        }
        bytes += '0\r\n\r\n'
      }
      const at = [...new Set(cuts.map((cut) => cut % bytes.length))].sort((a, b) => a - b)
      const pieces = [0, ...at].map((start, index) => bytes.slice(start, at[index] ?? bytes.length))
      const answer = read(pieces.filter((piece) => piece !== ''))
      assert.deepEqual([answer.body, answer.complete, answer.leftover, answer.code], [text, true, false, null])
    }),
    { numRuns: 1_000 },
  )
})

test('tells nothing more of an answer that was given up, whatever is left of it', () => {
  const rest: readonly string[] = [
    head('Content-Length: 0\r\n'),
    `${head('Content-Length: 9\r\n')}123456789`,
    `${head('Transfer-Encoding: chunked\r\n')}3\r\n123\r\n3\r\n456\r\n0\r\n\r\n`,
    `${head()}123456789`,
  ]
  for (const bytes of rest) {
    for (const point of ['onHead', 'onBody'] as const) {
      const told: string[] = []
      const note = (what: 'onHead' | 'onBody' | 'onComplete') => () => {
        told.push(what)
        if (what === point) parser.stop()
      }
      const parser = new AnswerParser({
        onHead: note('onHead'),
        onBody: note('onBody'),
        onComplete: note('onComplete'),
      })
      parser.expect('GET')
      parser.push(Buffer.from(bytes + bytes))
      parser.end()
      assert.equal(parser.busy, false)
      const hasBody = /[1-9]{3}/.test(bytes)
      if (point === 'onHead') assert.deepEqual(told, ['onHead'])
      else assert.deepEqual(told, hasBody ? ['onHead', 'onBody'] : ['onHead', 'onComplete'])
    }
  }
})

test('reads one answer after the other on the same connection', () => {
  let bodies = ''
  let ends = 0
  const parser = new AnswerParser({
    onHead: () => undefined,
    onBody: (bytes) => {
      bodies += bytes.toString()
    },
    onComplete: () => {
      ends++
    },
  })
  for (const text of [
    `${head('Transfer-Encoding: chunked\r\n')}1\r\na\r\n0\r\n\r\n`,
    `${head('Content-Length: 1\r\n')}b`,
    head('Content-Length: 0\r\n'),
    `${head('Transfer-Encoding: chunked\r\n')}1\r\nc\r\n0\r\n\r\n`,
  ]) {
    parser.expect('GET')
    assert.equal(parser.busy, true)
    parser.push(Buffer.from(text))
    assert.equal(parser.busy, false)
  }
  assert.deepEqual([bodies, ends], ['abc', 4])
})
