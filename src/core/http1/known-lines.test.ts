import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readAnswerHead } from '../upstream/answer-head.ts'
import { DEFAULT_HEAD_LIMITS } from './head-limits.ts'
import { KnownLines } from './known-lines.ts'
import { readRequestHead } from './request-head.ts'

/** Lines that begin alike, lines that are refused, and lines that are no lines. */
const LINES = [
  'Host: a',
  'Host: ab',
  'Host:a ',
  'host: a',
  'X-One: 1',
  'X-One: 12',
  'X-One:',
  'Content-Length: 3',
  'Content-Length: 33',
  'Transfer-Encoding: chunked',
  'Connection: close',
  'Set-Cookie: a=b',
  'no colon',
  'bad name: 1',
  'X-One: 1\rX-Two: 2',
  'X-One: 1\nX-Two: 2',
  'X-One: \u0001',
  `X-Long: ${'x'.repeat(2_000)}`,
]
const lines = fc.array(fc.constantFrom(...LINES), { maxLength: 5 })
const heads = fc.array(lines, { minLength: 2, maxLength: 12 })

function outcome(read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    return String(error)
  }
}

test('a request is read as if it were the first of its connection', () => {
  fc.assert(
    fc.property(heads, (all) => {
      const known = new KnownLines()
      for (const each of all) {
        const text = ['POST /a HTTP/1.1', ...each].join('\r\n')
        assert.deepEqual(readRequestHead(text, DEFAULT_HEAD_LIMITS, known), readRequestHead(text))
      }
    }),
  )
})

test('an answer is read as if it were the first of its connection', () => {
  fc.assert(
    fc.property(heads, fc.constantFrom('HTTP/1.1 200 OK', 'HTTP/1.0 404'), (all, line) => {
      const known = new KnownLines()
      for (const each of all) {
        const text = [line, ...each].join('\r\n')
        assert.deepEqual(
          outcome(() => readAnswerHead(text, 'GET', known)),
          outcome(() => readAnswerHead(text, 'GET')),
        )
      }
    }),
  )
})

test('keeps a bounded number of lines, and none of long heads', () => {
  const known = new KnownLines()
  const text = `${'a:1\r\n'.repeat(100)}`
  for (let place = 0; place < 100; place++) known.learn(text, 0, 3, place, { name: 'a', value: '1' })
  assert.equal(known.find(text, 0, 23), 3)
  assert.equal(known.find(text, 0, 24), -1)
  const long = `b:1\r\nc: ${'x'.repeat(4_000)}`
  known.learn(long, 0, 3, 0, { name: 'b', value: '1' })
  assert.equal(known.find(long, 0, 0), -1)
})
