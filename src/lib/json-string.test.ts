import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { skipString } from './json-string.ts'

/** Bytes that decide, their neighbours, and letters. */
const BYTES = [0x22, 0x5c, 0x6e, 0x75, 0x30, 0x66, 0x67, 0x1f, 0x20, 0x21, 0x23, 0x5b, 0x5d, 0x7f, 0x80, 0xa2, 0xff]

/** The same by the grammar, one byte at a time. */
function expected(bytes: Buffer): number {
  const found = /^(?:[ !#-[\]-\xff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/.exec(bytes.toString('latin1'))
  const at = found?.[0].length ?? 0
  return bytes[at] === 0x22 ? at + 1 : -1
}

test('ends where the grammar says, however long the text, whatever is in it, wherever it lies in memory', () => {
  const part = fc.oneof(
    fc.constantFrom(...BYTES.map((byte) => Buffer.of(byte))),
    fc
      .constantFrom('\\"', '\\\\', '\\n', '\\u00e4', '\\ud83d\\ude00', 'lorem ipsum dolor')
      .map((text) => Buffer.from(text)),
  )
  const lead = fc.integer({ min: 240, max: 300 })
  fc.assert(
    fc.property(lead, fc.nat(7), fc.array(part, { maxLength: 30 }), (length, offset, parts) => {
      const text = Buffer.concat([Buffer.alloc(length, 'a'), ...parts])
      const memory = Buffer.alloc(offset + text.length)
      text.copy(memory, offset)
      const bytes = memory.subarray(offset)
      const end = skipString(bytes, 0)
      assert.equal(end < 0 ? -1 : end, expected(bytes))
    }),
    { numRuns: 2_000 },
  )
})

test('a long text of nothing but escapes is passed over', () => {
  for (const part of ['\\n', '\\"', '\\\\', '\\u00e4', 'a\\n', 'ab\\n', 'abc\\n']) {
    const bytes = Buffer.from(`${part.repeat(20_000)}" after`)
    assert.equal(skipString(bytes, 0), bytes.length - ' after'.length, part)
  }
})
