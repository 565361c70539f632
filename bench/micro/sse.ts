/** `node bench/micro/sse.ts`: 100 events of 200 bytes through the framer, in one chunk, in a hundred, and cut badly. */
import { eventData, SseCursor, SseFramer } from '../../src/lib/index.ts'
import { measure } from './measure.ts'

const EVENTS = 100
const event = Buffer.from(`data: ${'x'.repeat(192)}\n\n`)
const whole = Buffer.concat(Array.from({ length: EVENTS }, () => event))
const crlf = Buffer.from(whole.toString().replaceAll('\n', '\r\n'))
const badlyCut = Array.from({ length: EVENTS }, (_, index) =>
  whole.subarray(index * 200 - Math.min(index * 200, 77), (index + 1) * 200 - 77),
)

function push(chunks: readonly Buffer[]): number {
  const framer = new SseFramer()
  let bytes = 0
  for (const chunk of chunks) {
    const part = framer.push(chunk)
    if (part !== null && part !== 'overflow') bytes += part.length
  }
  return bytes
}

function walk(part: Buffer): number {
  const cursor = new SseCursor()
  let bytes = 0
  cursor.load(part)
  while (cursor.next()) bytes += eventData(part, cursor.start, cursor.end)?.length ?? 0
  return bytes
}

console.log(`${EVENTS} events of ${event.length} bytes, per 100 events`)
measure('push, one chunk', 10_000, () => push([whole]))
const single = Array.from({ length: EVENTS }, () => event)
measure('push, one chunk per event', 1000, () => push(single))
measure('push, a hundred chunks that cut events', 1000, () => push(badlyCut))
measure('push, one chunk with CRLF', 10_000, () => push([crlf]))
measure('walk over all events and take their data', 1000, () => walk(whole))
measure('walk over all events and take their data, CRLF', 1000, () => walk(crlf))
