import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { duration, instant, size, usd } from './scalars.ts'

test('reads durations as milliseconds', () => {
  const rows: readonly [string, number][] = [
    ['0s', 0],
    ['20ms', 20],
    ['1.5s', 1500],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['2d', 172_800_000],
    ['24d', 2_073_600_000],
  ]
  for (const [text, ms] of rows) assert.equal(duration.parse(text), ms, text)
})

test('reads sizes as bytes, in decimal and binary units', () => {
  const rows: readonly [string | number, number][] = [
    [0, 0],
    [4096, 4096],
    ['1B', 1],
    ['64KiB', 65_536],
    ['32MiB', 33_554_432],
    ['1GB', 1_000_000_000],
    ['1.5 GiB', 1_610_612_736],
  ]
  for (const [text, bytes] of rows) assert.equal(size.parse(text), bytes, String(text))
  for (const text of ['1kiB', '1 MB ', 'MB', '', '1e3', '-1B']) assert.ok(!size.safeParse(text).success, text)
})

test('keeps every amount of at most nine decimals exact to the nano-dollar', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 9_007_199 }), fc.integer({ min: 0, max: 999_999_999 }), (dollars, nanos) => {
      const exact = dollars * 1e9 + nanos
      // A double tells apart about sixteen digits; beyond them two amounts are one number before anyone reads it.
      fc.pre(exact <= Number.MAX_SAFE_INTEGER / 8)
      assert.equal(usd.parse(Number(`${dollars}.${String(nanos).padStart(9, '0')}`)), exact)
    }),
    { numRuns: 5000 },
  )
})

test('reads small and large amounts, and refuses what it would have to round', () => {
  const rows: readonly [number, number | null][] = [
    [0, 0],
    [1e-9, 1],
    [1.5e-7, 150],
    [0.6, 600_000_000],
    [9_007_199, 9_007_199_000_000_000],
    [1e-10, null],
    [1.0000000001, null],
    [1e21, null],
    [-1, null],
    [-0, 0],
  ]
  for (const [value, nanos] of rows) {
    const result = usd.safeParse(value)
    assert.equal(result.success ? result.data : null, nanos, String(value))
  }
})

test('reads points in time only with an offset', () => {
  assert.equal(instant.parse('2027-01-01T00:00:00Z'), Date.UTC(2027, 0, 1))
  assert.equal(instant.parse('2027-01-01T02:00:00.5+02:00'), Date.UTC(2027, 0, 1, 0, 0, 0, 500))
  for (const text of [
    '2027-01-01',
    '2027-01-01T00:00:00',
    '2027-02-30T00:00:00Z',
    'tomorrow',
    '2027-01-01T25:00:00Z',
  ]) {
    assert.ok(!instant.safeParse(text).success, text)
  }
})
