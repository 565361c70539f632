import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { giveMemory, takeMemory } from './body-memory.ts'
import { GrowingBody } from './growing-body.ts'

test('gives what was pushed, announced or not, whatever the sizes', () => {
  const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 4_000, max: 90_000 })))
  fc.assert(
    fc.property(sizes, fc.boolean(), (lengths, isAnnounced) => {
      const pieces = lengths.map((length, index) => Buffer.alloc(length, index + 1))
      const expected = Buffer.concat(pieces)
      const body = new GrowingBody(isAnnounced ? expected.length : -1)
      for (const piece of pieces) body.push(piece)
      assert.ok(body.joined().equals(expected))
      if (body.memory !== null) giveMemory(body.memory)
    }),
  )
})

test('keeps none of the bytes that were lent', () => {
  for (const length of [100, 30_000]) {
    const lent = Buffer.alloc(length, 1)
    const body = new GrowingBody(2 * length)
    body.push(lent)
    lent.fill(2)
    body.push(lent)
    assert.equal(body.joined()[0], 1)
    assert.equal(body.joined()[length], 2)
  }
})

test('an announced length takes no memory before its bytes come', () => {
  const body = new GrowingBody(1_000_000_000)
  const taken = () => body.memory?.length ?? 0
  assert.equal(taken(), 0)
  body.push(Buffer.alloc(10))
  assert.equal(taken(), 16_384)
  body.push(Buffer.alloc(100_000))
  assert.ok(taken() <= 8 * 100_000, `${taken()} bytes`)
})

test('a body that comes byte by byte is copied a few times, not once for each byte', () => {
  const body = new GrowingBody(-1)
  const piece = Buffer.from('x')
  const seen = new Set<Buffer | null>()
  for (let sent = 0; sent < 1_000_000; sent++) {
    body.push(piece)
    seen.add(body.memory)
  }
  assert.equal(body.joined().length, 1_000_000)
  assert.ok(seen.size < 10, `${seen.size} pieces of memory`)
})

test('memory that is given back serves another body', () => {
  const first = takeMemory(100_000)
  assert.equal(first.length, 131_072)
  giveMemory(first)
  assert.equal(takeMemory(131_072), first)
  assert.notEqual(takeMemory(131_072), first)
})

test('what is given back beyond a bound, or is large, is left to the collector', () => {
  const many = Array.from({ length: 20 }, () => takeMemory(1_048_576))
  for (const memory of many) giveMemory(memory)
  const again = Array.from({ length: 20 }, () => takeMemory(1_048_576))
  const kept = again.filter((memory) => many.includes(memory))
  assert.ok(kept.length > 0 && kept.length <= 8, `${kept.length} MiB are kept`)
  const large = takeMemory(2_000_000)
  assert.equal(large.length, 2_000_000)
  giveMemory(large)
  assert.notEqual(takeMemory(2_000_000), large)
})
