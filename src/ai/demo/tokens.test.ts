import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { countTokens, firstTokens, streamParts } from './tokens.ts'

test('the first tokens are a beginning with so many tokens, and the parts of a stream join to the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(20), (text, limit) => {
      const beginning = firstTokens(text, limit)
      assert.ok(text.startsWith(beginning))
      assert.equal(countTokens(beginning), Math.min(limit, countTokens(text)))
      assert.equal([...streamParts(text)].join(''), text)
    }),
  )
  assert.equal(countTokens('Hello, world!'), 4)
})
