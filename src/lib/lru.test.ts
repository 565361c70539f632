import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LruMap } from './lru.ts'

test('drops the entry that was least recently read or set', () => {
  const lru = new LruMap<string, number>(2)
  lru.set('a', 1)
  lru.set('b', 2)
  assert.equal(lru.get('a'), 1)
  lru.set('c', 3)
  assert.equal(lru.get('b'), undefined)
  assert.equal(lru.get('a'), 1)
  lru.set('a', 4)
  lru.set('d', 5)
  assert.deepEqual([lru.get('a'), lru.get('c'), lru.get('d'), lru.size], [4, undefined, 5, 2])
  assert.equal(lru.delete('a'), true)
  assert.equal(lru.delete('a'), false)
  lru.clear()
  assert.equal(lru.size, 0)
})

test('behaves as a list of keys in order of use, for any history', () => {
  const step = fc.tuple(fc.constantFrom('get', 'set', 'delete'), fc.nat(8))
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step), (capacity, steps) => {
      const lru = new LruMap<number, number>(capacity)
      let used: [key: number, value: number][] = []
      for (const [position, [action, key]] of steps.entries()) {
        const held = used.find(([other]) => other === key)
        const others = used.filter(([other]) => other !== key)
        if (action === 'get') {
          assert.equal(lru.get(key), held?.[1])
          if (held !== undefined) used = [...others, held]
        } else if (action === 'set') {
          lru.set(key, position)
          used = [...others, [key, position] as [number, number]].slice(-capacity)
        } else {
          assert.equal(lru.delete(key), held !== undefined)
          used = others
        }
        assert.equal(lru.size, used.length)
      }
    }),
  )
})

test('refuses a capacity below one', () => {
  assert.throws(() => new LruMap(0), RangeError)
})
