import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isRequestId, RequestIds } from './ids.ts'

test('makes request ids that are UUIDs of version 7, carry the time, differ and sort in order of making', () => {
  const nowMs = Date.UTC(2026, 0, 1)
  const ids = new RequestIds(() => nowMs)
  const made = Array.from({ length: 20_000 }, () => ids.next())
  for (const id of made) assert.ok(isRequestId(id), id)
  assert.deepEqual(made.toSorted(), made)
  assert.equal(new Set(made).size, made.length)
  assert.equal(Number.parseInt((made[0] ?? '').replaceAll('-', '').slice(0, 12), 16), nowMs)
})

test('keeps the order when the clock goes back', () => {
  const times = [1000, 1001, 999, 500, 1001, 1002]
  const ids = new RequestIds(() => times.shift() ?? 0)
  const made = Array.from({ length: 6 }, () => ids.next())
  assert.deepEqual(made.toSorted(), made)
  assert.equal(new Set(made).size, 6)
})

test('sets version and variant whatever the random bytes are', () => {
  for (const byte of [0x00, 0xff, 0x5a]) {
    const ids = new RequestIds(
      () => 0,
      (bytes) => bytes.fill(byte),
    )
    assert.ok(isRequestId(ids.next()))
  }
})

test('uses no random digit twice', () => {
  let block = 0
  const ids = new RequestIds(
    () => 0,
    (bytes) => {
      for (let at = 0; at < bytes.length; at += 8) Buffer.from(bytes.buffer).writeBigUInt64BE(BigInt(block++), at)
    },
  )
  const spans = Array.from({ length: 1000 }, () => ids.spanId())
  assert.equal(new Set(spans).size, 1000)
})

test('makes trace and span ids of 32 and 16 hex digits', () => {
  const ids = new RequestIds()
  assert.match(ids.traceId(), /^[0-9a-f]{32}$/)
  assert.match(ids.spanId(), /^[0-9a-f]{16}$/)
  assert.notEqual(ids.traceId(), ids.traceId())
})

test('tells ids of its own form from others', () => {
  assert.ok(isRequestId('019b76da-a800-7001-8a2b-0123456789ab'))
  assert.equal(isRequestId('019B76DA-A800-7001-8A2B-0123456789AB'), false)
  assert.equal(isRequestId('019b76da-a800-4001-8a2b-0123456789ab'), false)
  assert.equal(isRequestId('019b76da-a800-7001-ca2b-0123456789ab'), false)
  assert.equal(isRequestId('019b76da-a800-7001-8a2b-0123456789ab\n'), false)
})
