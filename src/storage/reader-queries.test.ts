import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLedgerReader, openLedgerWriter } from './index.ts'
import { putSegment, segmentBytes } from './testing/journal-files.ts'
import { requestId, reserveText, sampleRecord, settleText, temporaryDirectory } from './testing/samples.ts'

test('pages through requests newest first, shows one with its ledger, and sums usage', async (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = await openLedgerWriter({ dataDir, databaseUrl: null })
  const entries = Array.from({ length: 25 }, (_, i) => {
    const keyId = i % 5 === 0 ? 'other' : 'dev'
    const id = requestId(i)
    return [reserveText(id, { keyId }), settleText(id, { record: sampleRecord(id, { key_id: keyId }) })]
  })
  putSegment(dataDir, {}, segmentBytes([entries.flat()]))
  writer.ingest()
  const reader = await openLedgerReader({ dataDir, databaseUrl: null })
  t.after(() => {
    reader.close()
    writer.close()
  })
  const seen: string[] = []
  for (let page = reader.requests({ limit: 10 }); page.length > 0; ) {
    assert.ok(page.length <= 10)
    seen.push(...page.map((record) => record.id))
    page = reader.requests({ limit: 10, beforeId: seen.at(-1) ?? '' })
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 25 }, (_, i) => requestId(24 - i)),
  )
  assert.deepEqual(
    reader.requests({ limit: 3, keyId: 'other' }).map((record) => record.id),
    [20, 15, 10].map((n) => requestId(n)),
  )
  const one = reader.request(requestId(7))
  assert.deepEqual(one?.record, sampleRecord(requestId(7)))
  assert.deepEqual(
    one?.ledger.map((row) => [row.phase, row.tokens]),
    [
      ['reserve', 100],
      ['settle', 32],
    ],
  )
  assert.equal(reader.request(requestId(99)), null)
  const day = Date.UTC(2026, 0, 15)
  const usage = reader.usage(day, day, null)
  assert.deepEqual(
    usage.map((row) => [row.date, row.key_id, row.requests, row.tokens]),
    [
      ['2026-01-15', 'dev', 20, 640],
      ['2026-01-15', 'other', 5, 160],
    ],
  )
  assert.equal(reader.usage(day, day, 'other').length, 1)
  assert.deepEqual(reader.usage(day - 86_400_000, day - 1, null), [])
})

test('queries see the newest commits and cannot write', async (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = await openLedgerWriter({ dataDir, databaseUrl: null })
  const reader = await openLedgerReader({ dataDir, databaseUrl: null })
  t.after(() => {
    reader.close()
    writer.close()
  })
  assert.deepEqual(reader.requests({ limit: 10 }), [])
  putSegment(dataDir, {}, segmentBytes([[reserveText(requestId(1)), settleText(requestId(1))]]))
  writer.ingest()
  assert.equal(reader.requests({ limit: 10 }).length, 1)
})
