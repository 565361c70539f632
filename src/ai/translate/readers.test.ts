import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { WireEvent } from '../dialects/dialect.ts'
import { LineReader } from './line-reader.ts'
import { SseReader } from './sse-reader.ts'
import type { WireReader } from './wire-reader.ts'

/** What a reader makes of a stream that arrives in pieces cut at these places. */
function eventsOf(make: () => WireReader, text: string, cuts: readonly number[]): WireEvent[] {
  const reader = make()
  const bytes = Buffer.from(text)
  const events: WireEvent[] = []
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  let from = 0
  for (const at of [...places, bytes.length]) {
    assert.equal(
      reader.push(Buffer.from(bytes.subarray(from, at)), (event) => events.push(event)),
      null,
    )
    from = at
  }
  assert.equal(
    reader.end((event) => events.push(event)),
    null,
  )
  return events
}

const SSE = [
  '\ufeffevent: message_start\ndata: {"a":"ü😀"}\n\n',
  ': a comment\n\n',
  'data: {"b":\r\ndata: 2}\r\n\r\n',
  'event: ping\rdata: {}\r\r',
  'id: 7\nretry: 100\n\n',
  'data: [DONE]\n\n',
  'data: {"last":true}',
].join('')

const SSE_EVENTS: readonly WireEvent[] = [
  { name: 'message_start', data: '{"a":"ü😀"}' },
  { name: null, data: '{"b":\n2}' },
  { name: 'ping', data: '{}' },
  { name: null, data: '[DONE]' },
  { name: null, data: '{"last":true}' },
]

const LINES = '{"a":"ü😀"}\n\n  \r\n{"b":2}\r\n{"last":true}'
const LINE_EVENTS: readonly WireEvent[] = ['{"a":"ü😀"}', '{"b":2}', '{"last":true}'].map((data) => ({
  name: null,
  data,
}))

test('events are the same wherever the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 40 }), (cuts) => {
      assert.deepEqual(
        eventsOf(() => new SseReader(), SSE, cuts),
        SSE_EVENTS,
      )
      assert.deepEqual(
        eventsOf(() => new LineReader(), LINES, cuts),
        LINE_EVENTS,
      )
    }),
    { numRuns: 300 },
  )
  const everywhere = Array.from(Buffer.from(SSE), (_, at) => at)
  assert.deepEqual(
    eventsOf(() => new SseReader(), SSE, everywhere),
    SSE_EVENTS,
  )
})

test('an event that never ends is given up', () => {
  for (const reader of [new SseReader(), new LineReader()]) {
    const piece = Buffer.alloc(8 * 1024 * 1024, 0x61)
    const said = [1, 2, 3, 4, 5].map(() => reader.push(piece, () => assert.fail('there is no event')))
    assert.equal(said.filter((what) => what !== null).length, 1)
  }
})
