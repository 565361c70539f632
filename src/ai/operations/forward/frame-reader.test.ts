import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { closeFrame, FrameReader } from './frame-reader.ts'

const frame = (payload: string, first = 0x81) => {
  const bytes = Buffer.from(payload)
  const long = bytes.length > 125
  const head = Buffer.from([
    first,
    long ? 126 : bytes.length,
    ...(long ? [bytes.length >> 8, bytes.length & 0xff] : []),
  ])
  return Buffer.concat([head, bytes])
}

const LONG = 'x'.repeat(3_000)
const WIRE = Buffer.concat([
  frame('one'),
  frame('binary', 0x82),
  frame('be', 0x01),
  frame('ping', 0x89),
  frame('gin', 0x80),
  frame(''),
  frame(LONG),
  closeFrame(1000, 'over'),
])

function read(pieces: readonly Buffer[]): string[] {
  const texts: string[] = []
  const reader = new FrameReader((text) => texts.push(text.toString()))
  for (const piece of pieces) reader.push(piece)
  return texts
}

test('text messages are read, in one frame or in several with a ping between them; the rest goes by', () => {
  assert.deepEqual(read([WIRE]), ['one', 'begin', '', LONG])
})

test('says the same wherever the bytes are cut', () => {
  const whole = read([WIRE])
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: WIRE.length }), { maxLength: 20 }), (at) => {
      const edges = [0, ...at.sort((a, b) => a - b), WIRE.length]
      assert.deepEqual(read(edges.slice(1).map((end, index) => WIRE.subarray(edges[index], end))), whole)
    }),
  )
})

test('a message that is too long goes by unread, and those behind it are read', () => {
  const size = 2_000_000
  const head = Buffer.from([0x81, 127, 0, 0, 0, 0, 0, 0, 0, 0])
  head.writeBigUInt64BE(BigInt(size), 2)
  assert.deepEqual(read([head, Buffer.alloc(size, 97), frame('next')]), ['next'])
})
