import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLedgerReader, openLedgerWriter } from './index.ts'
import { pageOfKey } from './reader-queries.ts'
import { RECORD_FIELDS } from './record-fields.ts'
import { putSegment, segmentBytes } from './testing/journal-files.ts'
import { query } from './testing/ledger-checks.ts'
import { recordText, requestId, reserveText, sampleRecord, settleText, temporaryDirectory } from './testing/samples.ts'
import { SQLITE_ONLY, storeUrl } from './testing/stores.ts'

test('pages through requests newest first, shows one with its ledger, and sums usage', async (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = await openLedgerWriter({ dataDir, databaseUrl: storeUrl(dataDir) })
  const entries = Array.from({ length: 25 }, (_, i) => {
    const keyId = i % 5 === 0 ? 'other' : 'dev'
    const id = requestId(i)
    return [reserveText(id, { keyId }), settleText(id, { record: sampleRecord(id, { key_id: keyId }) })]
  })
  putSegment(dataDir, {}, segmentBytes([entries.flat()]))
  writer.ingest()
  const reader = await openLedgerReader({ dataDir, databaseUrl: storeUrl(dataDir) })
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

test('pages through the requests of one key over hours, in any order of their end', async (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = await openLedgerWriter({ dataDir, databaseUrl: storeUrl(dataDir) })
  const start = Date.UTC(2026, 0, 15)
  // Many in one moment, some a while apart, and each 256 ms border met from both sides.
  const moments = [0, 0, 0, 1, 255, 256, 257, 511, 512, 60_000, 60_001, 3_600_000, 7_200_000]
  const records = moments.flatMap((ms, i) =>
    ['dev', 'other', null].map((key_id, k) =>
      sampleRecord(requestId(i * 3 + k, start + ms), { key_id, time: start + ms }),
    ),
  )
  const shuffled = records.toSorted((a, b) => (a.id.slice(-2) + a.id < b.id.slice(-2) + b.id ? 1 : -1))
  const half = shuffled.length >> 1
  for (const [sequence, part] of [shuffled.slice(0, half), shuffled.slice(half)].entries()) {
    putSegment(dataDir, { sequence: sequence + 1 }, segmentBytes([part.map(recordText)]))
    assert.equal(writer.ingest().error, null)
  }
  const reader = await openLedgerReader({ dataDir, databaseUrl: storeUrl(dataDir) })
  t.after(() => {
    reader.close()
    writer.close()
  })
  const newestFirst = records.toSorted((a, b) => (a.id < b.id ? 1 : -1))
  for (const keyId of ['dev', 'other']) {
    const expected = newestFirst.filter((record) => record.key_id === keyId)
    for (const limit of [1, 4, 1000]) {
      const seen = []
      for (let page = reader.requests({ limit, keyId }); page.length > 0; ) {
        seen.push(...page)
        page = reader.requests({ limit, keyId, beforeId: page.at(-1)?.id ?? '' })
      }
      assert.deepEqual(seen, expected, `${keyId}, pages of ${limit}`)
    }
  }
  assert.deepEqual(reader.requests({ limit: 1000 }), newestFirst)
  assert.deepEqual(reader.requests({ limit: 10, keyId: 'nobody' }), [])
})

test('a page of one key is read slice by slice, without sorting what came before', SQLITE_ONLY, async (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = await openLedgerWriter({ dataDir, databaseUrl: storeUrl(dataDir) })
  t.after(() => writer.close())
  const plan = query(dataDir, `EXPLAIN QUERY PLAN ${pageOfKey({ least: 'min' })}`).map((row) => String(row.detail))
  assert.equal(plan.length, 2, plan.join('; '))
  assert.match(plan[0] ?? '', /^SEARCH s USING PRIMARY KEY \(key_id=\? AND slice<\?\)/)
  assert.match(plan[1] ?? '', /^SEARCH r USING PRIMARY KEY \(id>\? AND id<\?\)/)
})

test('the views give what people read: all fields by name, and two rows for each attempt', async (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = await openLedgerWriter({ dataDir, databaseUrl: storeUrl(dataDir) })
  t.after(() => writer.close())
  const [once, twice, refused] = [requestId(1), requestId(2), requestId(3)]
  const twiceRecord = sampleRecord(twice, { stream: true, attempts: 2 })
  const refusedRecord = sampleRecord(refused, { key_id: null, attempts: 0, outcome: 'refused', queue_us: null })
  putSegment(
    dataDir,
    {},
    segmentBytes([
      [reserveText(once), settleText(once)],
      [reserveText(twice), settleText(twice, { record: null, tokens: 0, nanos: 0 })],
      [reserveText(twice, { attempt: 2 }), settleText(twice, { attempt: 2, record: twiceRecord })],
      [recordText(refusedRecord)],
    ]),
  )
  assert.equal(writer.ingest().error, null)
  const requests = query(dataDir, 'SELECT * FROM requests ORDER BY id')
  assert.deepEqual(
    requests.map((row) => ({ ...row })),
    [sampleRecord(once), twiceRecord, refusedRecord].map((r) => ({
      ...r,
      stream: Number(r.stream),
      cancelled: Number(r.cancelled),
    })),
  )
  assert.deepEqual(
    Object.keys(requests[0] ?? {}),
    RECORD_FIELDS.map(([name]) => name),
  )
  const common = {
    reserved_at: Date.UTC(2026, 0, 15),
    key_id: 'dev',
    provider: 'wall',
    model: 'small',
    sequence: 1,
    entered_at: null,
  }
  const rows = (request_id: string, attempt: number, tokens: number, nanos: number) => [
    { request_id, attempt, phase: 0, ...common, tokens: 100, nanos: 50_000, usage_source: 'estimated' },
    { request_id, attempt, phase: 1, ...common, tokens, nanos, usage_source: 'reported' },
  ]
  assert.deepEqual(
    query(dataDir, 'SELECT * FROM ledger ORDER BY request_id, attempt, phase').map(({ price_rule, ...row }) => {
      assert.equal(price_rule, 'small@1')
      return row
    }),
    [...rows(once, 1, 32, 12_345), ...rows(twice, 1, 0, 0), ...rows(twice, 2, 32, 12_345)],
  )
  const rowsApart = storeUrl(dataDir) === null ? 2 : 3
  assert.equal(
    query(dataDir, 'SELECT count(*) AS n FROM attempt_rows')[0]?.n,
    rowsApart,
    'in SQLite one attempt stands in its row',
  )
})

test('queries see the newest commits and cannot write', async (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = await openLedgerWriter({ dataDir, databaseUrl: storeUrl(dataDir) })
  const reader = await openLedgerReader({ dataDir, databaseUrl: storeUrl(dataDir) })
  t.after(() => {
    reader.close()
    writer.close()
  })
  assert.deepEqual(reader.requests({ limit: 10 }), [])
  putSegment(dataDir, {}, segmentBytes([[reserveText(requestId(1)), settleText(requestId(1))]]))
  writer.ingest()
  assert.equal(reader.requests({ limit: 10 }).length, 1)
})
