import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LoadSample, LoadShedder, type SheddingRules } from './shedding.ts'

const RULES: SheddingRules = {
  strained: { lagMs: { enter: 100, leave: 50 }, heapShare: { enter: 0.85, leave: 0.8 } },
  overloaded: { lagMs: { enter: 200, leave: 100 }, heapShare: { enter: 0.92, leave: 0.87 } },
  samplesToEnter: 2,
  samplesToLeave: 4,
}

const CALM: LoadSample = { lagMs: 1, heapShare: 0.3 }

/** Levels after each sample: normal `.`, strained `s`, overloaded `O`. */
function levels(samples: readonly Partial<LoadSample>[]): string {
  const shedder = new LoadShedder(RULES)
  return samples
    .map((sample) => {
      const before = shedder.level
      const changed = shedder.enter({ ...CALM, ...sample })
      assert.equal(changed, shedder.level !== before)
      return { normal: '.', strained: 's', overloaded: 'O' }[shedder.level]
    })
    .join('')
}

function times(count: number, sample: Partial<LoadSample>): Partial<LoadSample>[] {
  return Array.from({ length: count }, () => sample)
}

const LATE = { lagMs: 250 }
const HALF = { lagMs: 150 }

for (const [about, samples, expected] of [
  ['one long pause is no overload', [LATE, {}, LATE, {}], '....'],
  ['a late loop for two samples', times(3, LATE), '.OO'],
  ['a full heap', times(3, { heapShare: 0.93 }), '.OO'],
  ['a heap that is nearly full strains', times(3, { heapShare: 0.86 }), '.ss'],
  ['it falls a step at a time, after four calm samples each', [...times(2, LATE), ...times(9, {})], '.OOOOssss..'],
  ['between the thresholds it stays as it is', [...times(2, LATE), ...times(6, HALF)], '.OOOOOOO'],
  [
    'a sample above the lower threshold starts the wait anew',
    [...times(2, LATE), {}, {}, {}, HALF, {}, {}, {}, {}],
    '.OOOOOOOOs',
  ],
  ['lag that falls while the heap is full', [...times(2, LATE), ...times(5, { heapShare: 0.95 })], '.OOOOOO'],
  ['from strained to overloaded', [...times(2, HALF), ...times(2, LATE)], '.ssO'],
] as const) {
  test(`${about}: ${expected}`, () => {
    assert.equal(levels(samples), expected)
  })
}

test('low priority is refused when strained, normal when overloaded, critical never', () => {
  const shedder = new LoadShedder(RULES)
  const admitted = () => (['low', 'normal', 'critical'] as const).filter((priority) => shedder.admits(priority))
  assert.deepEqual(admitted(), ['low', 'normal', 'critical'])
  assert.equal(shedder.closesConnections, false)
  for (const sample of times(2, HALF)) shedder.enter({ ...CALM, ...sample })
  assert.deepEqual(admitted(), ['normal', 'critical'])
  assert.equal(shedder.closesConnections, true)
  for (const sample of times(2, LATE)) shedder.enter({ ...CALM, ...sample })
  assert.deepEqual(admitted(), ['critical'])
})
