import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { crc32 } from 'node:zlib'
import { EventStreamCodec } from '@smithy/eventstream-codec'
import fc from 'fast-check'
import type { WireEvent } from '../dialects/dialect.ts'
import { AwsEventReader, loadEventStreamCodec } from './aws-event-reader.ts'

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
  (text) => Buffer.from(text),
)

function frame(headers: Readonly<Record<string, string>>, body = ''): Buffer {
  const typed = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, { type: 'string', value } as const]),
  )
  return Buffer.from(codec.encode({ headers: typed, body: Buffer.from(body) }))
}

const event = (type: string, body: string) => frame({ ':message-type': 'event', ':event-type': type }, body)

/** The empty frame of the format's published examples. */
const EMPTY_FRAME = Buffer.from('000000100000000005c248eb7d98c8ff', 'hex')

function read(chunks: readonly Buffer[]): { events: WireEvent[]; wrong: string | null } {
  const reader = new AwsEventReader()
  const events: WireEvent[] = []
  for (const chunk of chunks) {
    const wrong = reader.push(chunk, (each) => events.push(each))
    if (wrong !== null) return { events, wrong }
  }
  return { events, wrong: reader.end() }
}

before(loadEventStreamCodec)

test('frames give the same events wherever their bytes are cut', () => {
  const bytes = Buffer.concat([
    event('messageStart', '{"role":"assistant"}'),
    EMPTY_FRAME,
    event('contentBlockDelta', '{"delta":{"text":"é 漢 😀"}}'),
    frame({ ':message-type': 'exception', ':exception-type': 'throttlingException' }, '{"message":"slow down"}'),
    event('messageStop', ''),
  ])
  const expected = [
    { name: 'messageStart', data: '{"role":"assistant"}' },
    { name: 'contentBlockDelta', data: '{"delta":{"text":"é 漢 😀"}}' },
    { name: 'throttlingException', data: '{"message":"slow down"}' },
    { name: 'messageStop', data: '' },
  ]
  const cuts = fc.array(fc.nat(bytes.length), { maxLength: 12 })
  fc.assert(
    fc.property(cuts, (places) => {
      const sorted = [0, ...places.sort((a, b) => a - b), bytes.length]
      const chunks = sorted.slice(1).map((end, at) => bytes.subarray(sorted[at], end))
      assert.deepEqual(read(chunks), { events: expected, wrong: null })
    }),
  )
})

test('an error without a payload is an exception with its code and message', () => {
  const bytes = frame({ ':message-type': 'error', ':error-code': 'InternalError', ':error-message': 'oh no' })
  assert.deepEqual(read([bytes]).events, [{ name: 'InternalErrorException', data: '{"message":"oh no"}' }])
})

test('a changed byte anywhere in a frame is found out', () => {
  const bytes = event('contentBlockDelta', '{"delta":{"text":"abc"}}')
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 0x01
    const { events, wrong } = read([changed, bytes])
    assert.match(wrong ?? '', /checksum/, `byte ${at}`)
    assert.deepEqual(events, [])
  }
})

test('a frame longer than the format allows is refused by its prelude, before it is waited for', () => {
  // Length 0x7fffffff with the right checksum of its prelude.
  const prelude = Buffer.from('7fffffff00000000', 'hex')
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(prelude))
  assert.match(read([Buffer.concat([prelude, checksum])]).wrong ?? '', /too large/)
})

test('a stream that ends within a frame gives what was whole', () => {
  const whole = event('messageStop', '{"stopReason":"end_turn"}')
  const { events, wrong } = read([whole, whole.subarray(0, 20)])
  assert.deepEqual([events.length, wrong], [1, null])
})
