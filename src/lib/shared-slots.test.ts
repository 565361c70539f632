import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createCounters, SlotAllocator } from './shared-slots.ts'

test('gives disjoint zeroed slots under stable names, for any history', () => {
  const step = fc.record({
    action: fc.constantFrom('allocate', 'allocate', 'release'),
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    cells: fc.constantFrom(1, 2, 8),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const view = new BigInt64Array(createCounters(64))
      const slots = new SlotAllocator(view)
      const held = new Map<string, { index: number; cells: number }>()
      for (const { action, name, cells } of steps) {
        const old = held.get(name)
        if (action === 'release') {
          assert.equal(slots.release(name), old !== undefined)
          held.delete(name)
        } else if (old !== undefined) {
          if (old.cells === cells) assert.equal(slots.allocate(name, cells), old.index)
          else assert.throws(() => slots.allocate(name, cells), /release it first/)
        } else {
          const index = slots.allocate(name, cells)
          for (const other of held.values()) {
            assert.ok(index + cells <= other.index || other.index + other.cells <= index, 'slots overlap')
          }
          assert.deepEqual([...view.subarray(index, index + cells)], Array(cells).fill(0n))
          view.fill(7n, index, index + cells)
          held.set(name, { index, cells })
        }
        assert.deepEqual([...slots.names()].sort(), [...held.keys()].sort())
        for (const [other, slot] of held) assert.equal(slots.find(other), slot.index)
      }
    }),
  )
})

test('uses released slots again, so that any number of names may come and go', () => {
  const slots = new SlotAllocator(new BigInt64Array(createCounters(16)))
  for (let round = 0; round < 1000; round++) {
    slots.allocate(`budget ${round}`, 8)
    slots.allocate(`rate ${round}`, 1)
    slots.release(`budget ${round}`)
    slots.release(`rate ${round}`)
  }
  assert.deepEqual([...slots.names()], [])
})

test('says what to do when the region is full, and keeps what it has', () => {
  const slots = new SlotAllocator(new BigInt64Array(createCounters(10)))
  slots.allocate('first', 8)
  assert.throws(
    () => slots.allocate('second', 8),
    /no room for slot second: 8 cells asked, 2 of 10 left; remove unused/,
  )
  assert.equal(slots.find('second'), null)
  assert.equal(slots.allocate('third', 2), 8)
  assert.throws(() => slots.allocate('none', 0), RangeError)
})

test('costs no memory for cells that nobody touches', () => {
  const before = process.memoryUsage.rss()
  const region = createCounters()
  assert.equal(region.byteLength, 8_388_608 * 8)
  assert.ok(process.memoryUsage.rss() - before < 8_000_000)
})
