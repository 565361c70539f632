import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TextHints } from './text-hints.ts'

test('finds in short and in long bodies what is in them, at the very end too, and nothing else', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '_'), maxLength: 40 })
  const texts = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '_'), minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 4,
  })
  fc.assert(
    fc.property(texts, letters, fc.constantFrom(0, 2_000), (wanted, text, before) => {
      const body = `${'x'.repeat(before)}${text}`
      const expected = wanted.some((each) => body.includes(each))
      assert.equal(new TextHints(wanted).isIn(Buffer.from(body)), expected)
    }),
    { seed: 5 },
  )
})
