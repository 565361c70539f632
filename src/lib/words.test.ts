import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cellAbove, cellOf, highOf, lowOf, numberOf } from './words.ts'

const EDGES = [0, 1, -1, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 32 - 1, -(2 ** 32), Number.MAX_SAFE_INTEGER]

test('a cell says the number that BigInt and Number say, whatever its sign', () => {
  const numbers = fc.oneof(fc.constantFrom(...EDGES), fc.maxSafeInteger())
  fc.assert(
    fc.property(numbers, (number) => {
      assert.equal(cellOf(number), BigInt(number))
      assert.equal(numberOf(BigInt(number)), number)
    }),
    { seed: 7 },
  )
})

test('a cell beyond the safe integers is rounded as Number rounds it', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (cell) => {
      assert.equal(numberOf(cell), Number(cell))
      assert.equal(highOf(cell), Number(cell >> 32n))
      assert.equal(lowOf(cell), Number(cell & 0xffff_ffffn))
    }),
    { seed: 8 },
  )
})

test('what stands above a number is added to it', () => {
  const high = fc.integer({ min: 0, max: 2 ** 31 - 2 ** 21 - 1 })
  fc.assert(
    fc.property(high, fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (above, number) => {
      assert.equal(cellAbove(above, number), (BigInt(above) << 32n) + BigInt(number))
    }),
    { seed: 9 },
  )
})
