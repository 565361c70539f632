import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { StorageError } from '../errors.ts'
import { segmentBytes } from '../testing/journal-files.ts'
import { temporaryDirectory } from '../testing/samples.ts'
import { SegmentReader } from './reader.ts'

function frames(reader: SegmentReader): string[] {
  const texts: string[] = []
  for (let text = reader.next(); text !== null; text = reader.next()) texts.push(text)
  return texts
}

test('a segment cut at any byte gives whole frames only, and the rest when it arrives', (t) => {
  const file = path.join(temporaryDirectory(t), 'a.seg')
  const lists = [['["a"]', '["b"]'], ['["ü 漢 🙂"]'], ['["c"]']]
  const whole = segmentBytes(lists)
  const texts = lists.map((list) => list.join('\n'))
  for (let cut = 0; cut <= whole.length; cut++) {
    fs.writeFileSync(file, whole.subarray(0, cut))
    const reader = new SegmentReader(file, 0)
    const before = frames(reader)
    assert.deepEqual(before, texts.slice(0, before.length))
    const boundary = segmentBytes(lists.slice(0, before.length)).length
    assert.ok(boundary <= cut || cut < 8)
    assert.equal(reader.remains(), cut === 0 || cut === boundary ? 'nothing' : 'torn', `cut at ${cut}`)
    fs.appendFileSync(file, whole.subarray(cut))
    assert.deepEqual([...before, ...frames(reader)], texts)
    reader.close()
  }
})

test('a changed byte ends the readable part before its frame', (t) => {
  const file = path.join(temporaryDirectory(t), 'a.seg')
  const lists = [['["first"]'], ['["second"]'], ['["third"]']]
  const whole = segmentBytes(lists)
  const ends = [1, 2, 3].map((n) => segmentBytes(lists.slice(0, n)).length)
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const bytes = Buffer.from(whole)
      bytes[at] = (bytes[at] ?? 0) ^ flip
      // The digit of the magic, made another digit: a version that is not ours, see below.
      fc.pre(at !== 6 || !/[1-9]/.test(String.fromCharCode(bytes[at])))
      fs.writeFileSync(file, bytes)
      const reader = new SegmentReader(file, 0)
      const readable = at < 8 ? 0 : ends.findIndex((end) => at < end)
      assert.deepEqual(
        frames(reader),
        lists.slice(0, readable).map((list) => list[0]),
      )
      assert.notEqual(reader.remains(), 'nothing')
      reader.close()
    }),
  )
})

test('sees what was written anew after a failed write was cut away', (t) => {
  const file = path.join(temporaryDirectory(t), 'a.seg')
  const first = segmentBytes([['["first"]']])
  const failed = segmentBytes([['["first"]'], ['["failed"]']])
  const second = segmentBytes([['["first"]'], ['["second and longer"]']])
  fs.writeFileSync(file, failed.subarray(0, failed.length - 3))
  const reader = new SegmentReader(file, 0)
  t.after(() => reader.close())
  assert.deepEqual(frames(reader), ['["first"]'])
  fs.truncateSync(file, first.length)
  fs.appendFileSync(file, second.subarray(first.length))
  assert.deepEqual(frames(reader), ['["second and longer"]'])
})

test('goes on from an offset and reads frames larger than its block', (t) => {
  const file = path.join(temporaryDirectory(t), 'a.seg')
  const large = `["${'x'.repeat(1_200_000)}"]`
  fs.writeFileSync(file, segmentBytes([['["a"]'], [large], ['["b"]']]))
  const offset = segmentBytes([['["a"]']]).length
  const reader = new SegmentReader(file, offset)
  t.after(() => reader.close())
  assert.deepEqual(frames(reader), [large, '["b"]'])
  assert.equal(reader.offset, fs.statSync(file).size)
})

test('refuses a segment of another version by name, and reads nothing of it', (t) => {
  const file = path.join(temporaryDirectory(t), 'a.seg')
  for (const digit of '1345') {
    fs.writeFileSync(
      file,
      segmentBytes([['["a"]']])
        .toString('latin1')
        .replace('FERROJ2', `FERROJ${digit}`),
      'latin1',
    )
    const reader = new SegmentReader(file, 0)
    assert.throws(
      () => reader.next(),
      (error) =>
        error instanceof StorageError &&
        error.code === 'unknown_format' &&
        error.message.includes(`${file} is a journal of format FERROJ${digit}, and this program reads FERROJ2`),
    )
    reader.close()
  }
})

test('takes no foreign file for a segment', (t) => {
  const file = path.join(temporaryDirectory(t), 'a.seg')
  fs.writeFileSync(file, 'something else, longer than the magic')
  const reader = new SegmentReader(file, 0)
  t.after(() => reader.close())
  assert.equal(reader.next(), null)
  assert.equal(reader.remains(), 'damaged')
})
