import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerLines } from './header-lines.ts'

test('writes a flat list as lines', () => {
  assert.equal(headerLines([]), '')
  assert.equal(headerLines(['a', 'b', 'X-Y', 'é \t"z"']), 'a: b\r\nX-Y: é \t"z"\r\n')
  assert.equal(headerLines(['a', '']), 'a: \r\n')
})

test('refuses what could end a line, and names the header but not its value', () => {
  for (const value of ['s3cret\r\nb: c', 's3cret\n', 's3cret\0', 's3cret\x7f', 's3cret\u010a', 's3cret\ud83d\ude00']) {
    assert.throws(
      () => headerLines(['x-key', value]),
      (error: RangeError) =>
        error instanceof RangeError && /x-key/.test(error.message) && !/s3cret/.test(error.message),
      JSON.stringify(value),
    )
  }
  for (const name of ['', 'a b', 'a:', 'a\r\n', 'ä', '"a"', 'a\0']) {
    assert.throws(() => headerLines([name, 'v']), RangeError, JSON.stringify(name))
  }
})
