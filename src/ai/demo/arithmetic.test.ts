import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { evaluate } from './arithmetic.ts'

interface Sum {
  readonly text: string
  readonly value: number
}

test('evaluates nested sums', () => {
  const { sum } = fc.letrec<{ sum: Sum }>((tie) => ({
    sum: fc.oneof(
      { maxDepth: 5 },
      fc.nat(99).map((value) => ({ text: String(value), value })),
      fc
        .tuple(tie('sum'), tie('sum'))
        .map(([a, b]) => ({ text: `(${a.text}) + (${b.text})`, value: a.value + b.value })),
      fc
        .tuple(tie('sum'), tie('sum'))
        .map(([a, b]) => ({ text: `(${a.text}) - (${b.text})`, value: a.value - b.value })),
      fc.tuple(tie('sum'), tie('sum')).map(([a, b]) => ({ text: `(${a.text})*(${b.text})`, value: a.value * b.value })),
      fc.tuple(tie('sum'), tie('sum')).map(([a, b]) => ({ text: `(${a.text})/(${b.text})`, value: a.value / b.value })),
      tie('sum').map((a) => ({ text: `-(${a.text})`, value: -a.value })),
    ),
  }))
  fc.assert(fc.property(sum, ({ text, value }) => assert.deepEqual(evaluate(text), value)))
})

const SUMS: readonly (readonly [text: string, value: number])[] = [
  ['2 + 3 * 4', 14],
  ['2 - 3 - 4', -5],
  ['8 / 4 / 2', 1],
  ['7 % 4 + 1', 4],
  ['2 ^ 3 ^ 2', 512],
  ['-2 ^ 2', -4],
  ['2 * -3', -6],
  ['2 ^ -1', 0.5],
  ['1.5 + +1', 2.5],
]
for (const [text, value] of SUMS) {
  test(`evaluates ${text}`, () => assert.equal(evaluate(text), value))
}

test('refuses what is no expression', () => {
  for (const text of ['', '1 +', '(1', '1)', '1 2', 'a', '1..2', '('.repeat(100_000), '-'.repeat(100_000)]) {
    assert.equal(evaluate(text), null, text.slice(0, 20))
  }
})
