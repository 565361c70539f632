import assert from 'node:assert/strict'
import { test } from 'node:test'
import { takeMemory } from '../listen/body-memory.ts'
import { UploadQueue } from './upload-queue.ts'

/** A socket's writer that notes what it gets, and is as fast as a test says. */
class Writer {
  readonly writes: string[] = []
  more = true
  sent: (() => void)[] = []

  writeAll(pieces: readonly (string | Buffer)[], onSent: (() => void) | null): boolean {
    this.writes.push(pieces.map((piece) => piece.toString('latin1')).join('|'))
    if (onSent !== null) this.sent.push(onSent)
    return this.more
  }
}

const turnOfLoop = () => new Promise<void>((resolve) => setImmediate(resolve))

function queueTo(writer: Writer, framing: 'plain' | 'chunked' = 'plain') {
  let rooms = 0
  const queue = new UploadQueue(writer, framing === 'chunked', () => rooms++)
  return { queue, rooms: () => rooms }
}

test('what comes in one turn of the loop leaves by one write behind it', async () => {
  const writer = new Writer()
  const { queue } = queueTo(writer)
  queue.text('head')
  assert.equal(queue.body(Buffer.from('one'), null), true)
  assert.equal(queue.isEmpty, false)
  assert.deepEqual(writer.writes, [])
  await turnOfLoop()
  queue.body(Buffer.from('two'), null)
  await turnOfLoop()
  assert.deepEqual(writer.writes, ['head|one', 'two'])
  assert.equal(queue.isEmpty, true)
})

test('chunks carry their framing', async () => {
  const writer = new Writer()
  const { queue } = queueTo(writer, 'chunked')
  queue.body(Buffer.from('one'), null)
  queue.body(Buffer.alloc(20_000, 'x'), null)
  await turnOfLoop()
  assert.deepEqual(writer.writes, [`3\r\none\r\n|4e20\r\n|${'x'.repeat(20_000)}|\r\n`])
})

test('a turn holds so much, then the body stops until it has left', async () => {
  const writer = new Writer()
  const { queue, rooms } = queueTo(writer)
  let pieces = 0
  while (queue.body(Buffer.alloc(65_536), null)) pieces++
  assert.ok(pieces < 8, `${pieces} pieces`)
  assert.equal(rooms(), 0)
  await turnOfLoop()
  assert.equal(rooms(), 1)
})

test('a slow socket stops the body until it drains', async () => {
  const writer = new Writer()
  const { queue, rooms } = queueTo(writer)
  writer.more = false
  queue.body(Buffer.from('one'), null)
  await turnOfLoop()
  assert.equal(queue.body(Buffer.from('two'), null), false)
  await turnOfLoop()
  assert.equal(rooms(), 0)
  queue.drained()
  assert.equal(rooms(), 1)
  queue.drained()
  assert.equal(rooms(), 1)
})

test('memory is given back when its piece has left, and not before', async () => {
  const writer = new Writer()
  const { queue } = queueTo(writer)
  const memory = takeMemory(100_000)
  queue.body(memory.subarray(0, 100_000), memory)
  await turnOfLoop()
  assert.notEqual(takeMemory(100_000), memory)
  for (const sent of writer.sent) sent()
  assert.equal(takeMemory(100_000), memory)
})

test('nothing leaves after the end of its request', async () => {
  const writer = new Writer()
  const { queue, rooms } = queueTo(writer)
  queue.body(Buffer.from('one'), null)
  queue.close()
  queue.body(Buffer.from('two'), null)
  queue.drained()
  await turnOfLoop()
  assert.deepEqual(writer.writes, [])
  assert.equal(rooms(), 0)
})
