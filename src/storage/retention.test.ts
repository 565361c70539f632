import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLedgerReader } from './index.ts'
import { putSegment, segmentBytes } from './testing/journal-files.ts'
import { checkInvariants, openWriter, query } from './testing/ledger-checks.ts'
import { recordText, requestId, reserveText, sampleRecord, settleText, temporaryDirectory } from './testing/samples.ts'
import { storeUrl } from './testing/stores.ts'
import type { LedgerWriter } from './writer.ts'

const DAY_MS = 86_400_000
const NOW = Date.now()

/** A request that began so many days ago, from its reservation to its record. */
function request(n: number, days: number): string[] {
  const ms = NOW - days * DAY_MS
  const id = requestId(n, ms)
  return [reserveText(id, { reservedAt: ms }), settleText(id), recordText(sampleRecord(id, { time: ms }))]
}

test('records go when they are old enough, the sums of their usage stay', (t) => {
  const dataDir = temporaryDirectory(t)
  const all = [9, 8, 7, 3, 1].flatMap((days, n) => request(n, days))
  putSegment(dataDir, {}, segmentBytes([all]))
  const writer = openWriter(t, dataDir)
  writer.recover(NOW)
  const used = () =>
    writer.counterSums([{ counter: 'a', period: 0, level: 'key:dev', unit: 'tokens', fromMs: 0, toMs: null }])
  const before = used()
  while (writer.forget(NOW - 5 * DAY_MS)) {
    // Until nothing is left to remove.
  }
  assert.equal(query(dataDir, 'SELECT * FROM requests').length, 2)
  assert.equal(query(dataDir, 'SELECT * FROM ledger').length, 4)
  assert.deepEqual(used(), before)
  assert.notDeepEqual(before, [0])
})

test('when a key was used last is known for longer than its requests', async (t) => {
  const dataDir = temporaryDirectory(t)
  putSegment(dataDir, {}, segmentBytes([[9, 8].flatMap((days, n) => request(n, days))]))
  const writer = openWriter(t, dataDir)
  writer.recover(NOW)
  while (writer.forget(NOW - 5 * DAY_MS)) {
    // Until nothing is left to remove.
  }
  assert.equal(query(dataDir, 'SELECT * FROM requests').length, 0)
  const reader = await openLedgerReader({ dataDir, databaseUrl: storeUrl(dataDir) })
  t.after(() => reader.close())
  const uses = reader.lastUses(['dev', 'nobody'])
  assert.deepEqual([...uses.keys()], ['dev'])
  const late = NOW - 8 * DAY_MS - (uses.get('dev') ?? 0)
  assert.ok(late >= 0 && late < 256, `${late}`)
})

test('what a living segment may tell again is not removed', (t) => {
  const dataDir = temporaryDirectory(t)
  putSegment(dataDir, { startMs: NOW - 8 * DAY_MS }, segmentBytes([request(1, 7)]))
  const writer = openWriter(t, dataDir)
  assert.equal(writer.ingest().error, null)
  writer.forget(NOW - 2 * DAY_MS)
  assert.equal(query(dataDir, 'SELECT * FROM requests').length, 1)
  checkInvariants(dataDir)
  writer.recover(NOW)
  writer.ingest()
  writer.forget(NOW - 2 * DAY_MS)
  assert.equal(query(dataDir, 'SELECT * FROM requests').length, 0)
})

/** Removes all that is older than five days. */
function forgetAll(writer: LedgerWriter): void {
  while (writer.forget(NOW - 5 * DAY_MS)) {
    // Until nothing is left to remove.
  }
}

test('what is held for a thing that goes on is kept until it was given back, and sums stay', async (t) => {
  const dataDir = temporaryDirectory(t)
  const [held, ms] = [requestId(1, NOW - 9 * DAY_MS), NOW - 9 * DAY_MS]
  // Its worker died: it is charged in full.
  putSegment(dataDir, {}, segmentBytes([[reserveText(held, { reservedAt: ms }), ...request(2, 8)]]))
  const writer = openWriter(t, dataDir)
  writer.recover(NOW)
  writer.usage.hold('batch', held)
  forgetAll(writer)
  assert.deepEqual(
    query(dataDir, 'SELECT id FROM requests').map(({ id }) => id),
    [held],
  )
  assert.equal(writer.usage.release('batch', true)?.tokens, 100)
  assert.equal(writer.usage.release('batch', true), null)
  const reader = await openLedgerReader({ dataDir, databaseUrl: storeUrl(dataDir) })
  t.after(() => reader.close())
  const day = Math.floor(ms / DAY_MS) * DAY_MS
  const asked = { by: ['key_id', 'team'], per: 'hour', fromMs: day, toMs: day + DAY_MS, keyId: null, limit: 9 } as const
  const usage = () => {
    return reader.usageBy({ ...asked, after: null }).map((row) => [row.requests, row.tokens, row.adjustedTokens])
  }
  assert.deepEqual(usage(), [[1, 0, -100]])
  assert.deepEqual(reader.verify(NOW).differences, [])
  forgetAll(writer)
  assert.equal(query(dataDir, 'SELECT * FROM ledger').length, 0)
  assert.deepEqual(usage(), [[1, 0, -100]])
  assert.deepEqual(reader.verify(NOW).differences, [])
})

test('who has told what a thing used is remembered when its rows go', (t) => {
  const dataDir = temporaryDirectory(t)
  putSegment(dataDir, {}, segmentBytes([request(1, 8)]))
  const writer = openWriter(t, dataDir)
  writer.recover(NOW)
  const first = requestId(1, NOW - 8 * DAY_MS)
  // It was killed between its settlement and the word that it has told.
  assert.equal(writer.usage.claim('batch', first, NOW - 8 * DAY_MS), 'yours')
  forgetAll(writer)
  assert.equal(query(dataDir, 'SELECT * FROM requests').length, 0)
  assert.equal(writer.usage.claim('batch', requestId(2, NOW), NOW), 'told')
})
