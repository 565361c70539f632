import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BodyPieces } from './body-pieces.ts'

test('gives back what was put in, whatever the sizes', () => {
  const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 4_000, max: 20_000 })))
  fc.assert(
    fc.property(sizes, (lengths) => {
      const all = lengths.map((length, index) => Buffer.alloc(length, index + 1))
      const pieces = new BodyPieces()
      for (const piece of all) pieces.push(piece)
      assert.ok(pieces.joined().equals(Buffer.concat(all)))
    }),
  )
})

test('a single piece is not copied', () => {
  const pieces = new BodyPieces()
  const piece = Buffer.from('whole')
  pieces.push(piece)
  assert.equal(pieces.joined(), piece)
})

test('a body that comes byte by byte takes about its own length of memory', () => {
  const LENGTH = 4_000_000
  const before = process.memoryUsage()
  const pieces = new BodyPieces()
  for (let sent = 0; sent < LENGTH; sent++) pieces.push(Buffer.from([sent & 0xff]))
  const after = process.memoryUsage()
  // Buffers that are garbage already count until they are collected; kept ones would be 100 bytes each and more.
  const grown = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers
  assert.ok(grown < 40 * LENGTH, `${grown} bytes`)
  assert.equal(pieces.joined().length, LENGTH)
})
