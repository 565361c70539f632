import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import { SseFramer } from './sse.ts'
import { eventData, SseCursor } from './sse-events.ts'

/** Streams of fields, comments, blank lines and noise in all line endings, mixed. */
const terminator = fc.constantFrom('\n', '\n', '\r\n', '\r')
const line = fc.oneof(
  fc.constantFrom(
    '',
    '',
    '',
    'data',
    'data:',
    'data: ',
    'data:  two',
    ': comment',
    'retry: 10',
    'event: delta',
    'id: 1',
    'datum: x',
  ),
  fc.constantFrom('data: {"a":"é😀"}', 'data: 你好', 'data: [DONE]', 'data:x:y', 'unknown', ' data: x', 'Data: x'),
  fc.integer({ min: 0, max: 700 }).map((length) => `data: ${'x'.repeat(length)}`),
)
const streamBytes = fc
  .tuple(
    fc.constantFrom('', '\ufeff'),
    fc.array(fc.tuple(line, terminator), { minLength: 6, maxLength: 40 }),
    fc.constantFrom('', 'data: cut', '\r'),
  )
  .map(([mark, lines, rest]) => Buffer.from(mark + lines.flat().join('') + rest))

const cuts = fc.array(fc.nat(), { maxLength: 12 })

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end))
}

function push(framer: SseFramer, chunk: Buffer): Buffer | null {
  const part = framer.push(chunk)
  assert.notEqual(part, 'overflow')
  return part as Buffer | null // the line above has ruled the string out
}

function dataOf(cursor: SseCursor, part: Buffer): string[] {
  const found: string[] = []
  cursor.load(part)
  while (cursor.next()) {
    const data = eventData(part, cursor.start, cursor.end)
    if (data !== null) found.push(data.toString())
  }
  return found
}

function expectedData(bytes: Buffer): string[] {
  const found: string[] = []
  const parser = createParser({ onEvent: (event) => found.push(event.data) })
  parser.feed(bytes.toString())
  return found
}

test('gives the events that a standard parser gives, and every byte once, however the stream is cut', () => {
  let events = 0
  fc.assert(
    fc.property(streamBytes, cuts, (bytes, places) => {
      const framer = new SseFramer()
      const cursor = new SseCursor()
      const out: Buffer[] = []
      const found: string[] = []
      for (const chunk of cut(bytes, places)) {
        const part = push(framer, chunk)
        if (part === null) continue
        out.push(Buffer.from(part))
        found.push(...dataOf(cursor, part))
      }
      const rest = framer.end()
      if (rest !== null) out.push(rest)
      assert.deepEqual(Buffer.concat(out), bytes)
      assert.deepEqual(found, expectedData(bytes))
      events += found.length
    }),
    { numRuns: 5000 },
  )
  assert.ok(events > 5000, `${events} events`)
})

test('holds nothing back that is complete: after each byte all events that have ended are out', () => {
  fc.assert(
    fc.property(streamBytes, (bytes) => {
      const framer = new SseFramer()
      const cursor = new SseCursor()
      const found: string[] = []
      for (let end = 1; end <= bytes.length; end++) {
        const part = push(framer, bytes.subarray(end - 1, end))
        if (part !== null) found.push(...dataOf(cursor, part))
        // A character that is cut would be decoded as another one, but it never ends an event.
        if (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d) {
          assert.deepEqual(found, expectedData(bytes.subarray(0, end)))
        }
      }
    }),
    { numRuns: 200 },
  )
})

test('returns the chunk itself when it ends with an event and nothing was held', () => {
  const framer = new SseFramer()
  for (const text of ['data: a\n\n', 'data: a\n\ndata: b\n\n', 'data: a\r\n\r\n', 'data: a\r\r', ': x\n\r\n']) {
    const chunk = Buffer.from(text)
    assert.equal(framer.push(chunk), chunk)
  }
  assert.equal(framer.end(), null)
})

test('returns a view up to the last event, and keeps the rest as a copy', () => {
  const framer = new SseFramer()
  const chunk = Buffer.from('data: a\n\ndata: b')
  const part = push(framer, chunk)
  assert.equal(part?.buffer, chunk.buffer)
  assert.equal(part?.toString(), 'data: a\n\n')
  chunk.fill(0)
  assert.equal(push(framer, Buffer.from('c\n\n'))?.toString(), 'data: bc\n\n')
})

test('gives back an event that the stream left unfinished', () => {
  const framer = new SseFramer()
  assert.equal(framer.push(Buffer.from('data: a\n')), null)
  assert.equal(framer.end()?.toString(), 'data: a\n')
  assert.equal(framer.end(), null)
})

test('reports an event that outgrows the limit, in one chunk or in many', () => {
  const whole = new SseFramer(100)
  assert.equal(whole.push(Buffer.from(`data: ${'x'.repeat(94)}`)), null)
  assert.equal(whole.push(Buffer.from('x')), 'overflow')
  assert.equal(new SseFramer(100).push(Buffer.alloc(101, 'x')), 'overflow')
  const bytewise = new SseFramer(1000)
  const results = Array.from({ length: 1001 }, () => bytewise.push(Buffer.from('x')))
  assert.equal(results.indexOf('overflow'), 1000)
})

test('joins the data lines of an event and views a single one', () => {
  const cases: readonly (readonly [string, string | null])[] = [
    ['data: a\ndata: b\n\n', 'a\nb'],
    ['data\ndata\n\n', '\n'],
    ['data:\ndata: x\r\n\r\n', '\nx'],
    ['event: x\ndata:y\nid: 1\n\n', 'y'],
    [': ping\n\n', null],
    [`data: ${'x'.repeat(1000)}\rdata: ${'y'.repeat(1000)}\n\n`, `${'x'.repeat(1000)}\n${'y'.repeat(1000)}`],
  ]
  for (const [text, expected] of cases) {
    const bytes = Buffer.from(text)
    assert.equal(eventData(bytes, 0, bytes.length)?.toString() ?? null, expected)
  }
  const bytes = Buffer.from('data: view\n\n')
  assert.equal(eventData(bytes, 0, bytes.length)?.buffer, bytes.buffer)
})
