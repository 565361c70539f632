import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_RANGES, readRanges } from './byte-ranges.ts'

const shown = (value: string, size = 1000) => {
  const ranges = readRanges(value, size)
  return typeof ranges === 'string' ? ranges : ranges.map(({ start, end }) => `${start}-${end}`).join(' ')
}

test('ranges are read as RFC 9110 has them', () => {
  for (const [value, expected] of [
    ['bytes=0-0', '0-1'],
    ['bytes=0-', '0-1000'],
    ['bytes=500-99999', '500-1000'],
    ['bytes=-1', '999-1000'],
    ['bytes=-5000', '0-1000'],
    ['BYTES=0-1', '0-2'],
    ['bytes= 0-1 , 500-501', '0-2 500-502'],
    ['bytes=,0-1,,', '0-2'],
    ['bytes=1000-', 'none'],
    ['bytes=-0', 'none'],
    ['bytes=1000-,2000-3000', 'none'],
    ['bytes=1000-,5-6', '5-7'],
    // Not valid, or another unit: as if it were not there
    ['bytes=5-4', 'whole'],
    ['bytes=', 'whole'],
    ['bytes=,', 'whole'],
    ['bytes=-', 'whole'],
    ['bytes=a-b', 'whole'],
    ['bytes=0-1,x', 'whole'],
    ['bytes=0x1-2', 'whole'],
    ['bytes=+1-2', 'whole'],
    ['bytes=1.5-2', 'whole'],
    ['bytes=0-1=2', 'whole'],
    ['bytes 0-1', 'whole'],
    ['items=0-1', 'whole'],
    ['bytes=0-9999999999999999', 'whole'],
  ] as const) {
    assert.equal(shown(value), expected, value)
  }
  assert.equal(shown('bytes=0-', 0), 'whole')
})

test('ranges that overlap or lie close together become one, where the first of them stood', () => {
  assert.equal(shown('bytes=500-600,0-9,550-700'), '500-701 0-10')
  assert.equal(shown('bytes=0-9,20-29'), '0-30')
  assert.equal(shown('bytes=0-9,400-409,200-209'), '0-10 400-410 200-210')
  assert.equal(shown('bytes=0-9,200-209,5-205'), '0-210')
  assert.equal(shown('bytes=0-,0-,0-'), '0-1000')
})

test('more ranges than a reader needs count as none', () => {
  const many = (count: number) =>
    `bytes=${Array.from({ length: count }, (_, at) => `${at * 200}-${at * 200}`).join(',')}`
  assert.equal(shown(many(MAX_RANGES), 1e6).split(' ').length, MAX_RANGES)
  assert.equal(shown(many(MAX_RANGES + 1), 1e6), 'whole')
})

const spec = fc.oneof(
  fc.tuple(fc.nat(2_000), fc.nat(2_000)).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
  fc.nat(2_000).map((start) => `${start}-`),
  fc.nat(2_000).map((length) => `-${length}`),
)

test('whatever is asked for, exactly the bytes asked for or what lies between them are sent, none twice', () => {
  fc.assert(
    fc.property(
      fc.array(spec, { minLength: 1, maxLength: MAX_RANGES }),
      fc.integer({ min: 1, max: 1_500 }),
      (specs, size) => {
        const wanted = new Set<number>()
        for (const each of specs) {
          const [first = '', last = ''] = each.split('-')
          const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
          const end = first === '' || last === '' ? size - 1 : Math.min(size - 1, Number(last))
          for (let at = start; at <= end; at++) wanted.add(at)
        }
        const ranges = readRanges(`bytes=${specs.join(',')}`, size)
        if (ranges === 'none') return assert.equal(wanted.size, 0)
        assert.ok(typeof ranges !== 'string')
        const sorted = ranges.toSorted((a, b) => a.start - b.start)
        const sent = new Set<number>()
        for (const [index, { start, end }] of sorted.entries()) {
          assert.ok(start >= 0 && start < end && end <= size)
          assert.ok(wanted.has(start) && wanted.has(end - 1), 'a range begins and ends with what was asked for')
          assert.ok(index === 0 || start - (sorted[index - 1]?.end ?? 0) > 80)
          for (let at = start; at < end; at++) sent.add(at)
        }
        for (const at of wanted) assert.ok(sent.has(at))
      },
    ),
  )
})

test('no text makes it fail', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), (text, size) => {
      for (const value of [text, `bytes=${text}`]) {
        const ranges = readRanges(value, size)
        if (typeof ranges !== 'string') for (const { start, end } of ranges) assert.ok(start < end && end <= size)
      }
    }),
  )
})
