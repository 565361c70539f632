import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import fc from 'fast-check'
import { putSegment, segmentBytes } from './testing/journal-files.ts'
import { checkInvariants, journalFiles, openWriter, pass, query, ROWS } from './testing/ledger-checks.ts'
import { recordText, requestId, reserveText, sampleRecord, settleText, temporaryDirectory } from './testing/samples.ts'
import { EXAMPLES, openStore, SQLITE_ONLY } from './testing/stores.ts'

const NOW = Date.UTC(2026, 0, 15, 12)

test('a reservation and its settlement in one batch give both rows and the record', (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = openWriter(t, dataDir)
  const id = requestId(1)
  putSegment(dataDir, {}, segmentBytes([[reserveText(id), settleText(id)]]))
  assert.equal(pass(writer), 2)
  assert.deepEqual(
    query(dataDir, ROWS).map((row) => ({ ...row })),
    [
      { request_id: id, attempt: 1, phase: 0, tokens: 100, nanos: 50_000, usage_source: 'estimated' },
      { request_id: id, attempt: 1, phase: 1, tokens: 32, nanos: 12_345, usage_source: 'reported' },
    ],
  )
  const [request] = query(dataDir, 'SELECT * FROM requests')
  assert.deepEqual({ ...request, stream: false, cancelled: false }, sampleRecord(id))
  checkInvariants(dataDir)
})

test('takes up what a live worker appends between passes, and keeps its segment', (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = openWriter(t, dataDir)
  const whole = segmentBytes([
    [reserveText(requestId(1))],
    [reserveText(requestId(2)), settleText(requestId(1))],
    [settleText(requestId(2)), recordText(sampleRecord(requestId(3), { status: 401, outcome: 'refused' }))],
  ])
  const file = putSegment(dataDir, {}, whole.subarray(0, 8))
  let entries = 0
  for (let at = 8; at < whole.length; at += 97) {
    fs.appendFileSync(file, whole.subarray(at, at + 97))
    entries += pass(writer)
    assert.deepEqual(query(dataDir, 'SELECT * FROM open_attempts'), [], 'the segment itself keeps what is open')
  }
  assert.equal(entries, 5)
  assert.equal(journalFiles(dataDir).length, 1)
  checkInvariants(dataDir)
  assert.equal(query(dataDir, 'SELECT id FROM requests').length, 3)
})

test('any order and repetition of segments and any pattern of passes give the same sums', (t) => {
  const steps = fc.array(
    fc.record({
      request: fc.nat(5),
      attempt: fc.constantFrom(1, 1, 1, 2),
      tokens: fc.nat(1000),
      settled: fc.boolean(),
    }),
    { maxLength: 12 },
  )
  fc.assert(
    fc.property(steps, fc.array(fc.nat(100), { maxLength: 12 }), fc.boolean(), (attempts, cuts, reverse) => {
      const known = new Map(attempts.map((a) => [`${a.request}/${a.attempt}`, a]))
      const texts: string[] = []
      for (const { request, attempt, tokens } of known.values()) {
        texts.push(reserveText(requestId(request), { attempt, tokens }))
      }
      for (const { request, attempt, tokens, settled } of known.values()) {
        const record = sampleRecord(requestId(request))
        if (settled) texts.push(settleText(requestId(request), { attempt, tokens: tokens >> 1, record }))
      }
      const expected = [...known.values()].reduce((sum, a) => sum + (a.settled ? a.tokens >> 1 : a.tokens), 0)
      const dataDir = fs.mkdtempSync(path.join(temporaryDirectory(t), 'run-'))
      const writer = openStore(dataDir)
      // Several live workers' worth of files, in any order, some of them twice.
      const parts: string[][] = []
      let from = 0
      for (const cut of [...cuts.map((n) => n % (texts.length + 1)).sort((x, y) => x - y), texts.length]) {
        parts.push(texts.slice(from, cut))
        from = cut
      }
      const order = reverse ? parts.reverse() : parts
      order.forEach((part, i) => {
        putSegment(dataDir, { sequence: i + 1 }, segmentBytes(part.length === 0 ? [] : [part, part]))
        if (i % 2 === 0) assert.equal(writer.ingest().error, null)
      })
      writer.recover(NOW)
      checkInvariants(dataDir)
      const [sum] = query(
        dataDir,
        'SELECT coalesce(sum(tokens), 0) AS tokens, coalesce(sum(requests), 0) AS n FROM usage_daily',
      )
      assert.equal(sum?.n, known.size)
      assert.equal(sum?.tokens, expected)
      writer.close()
    }),
    { numRuns: EXAMPLES },
  )
})

test('removes a rotated segment although a request of it still runs, and settles that request later', (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = openWriter(t, dataDir)
  const [long, short] = [requestId(1), requestId(2)]
  putSegment(dataDir, { sequence: 1 }, segmentBytes([[reserveText(long), reserveText(short), settleText(short)]]))
  const second = putSegment(dataDir, { sequence: 2 }, segmentBytes([]))
  pass(writer)
  assert.deepEqual(journalFiles(dataDir), [path.basename(second)])
  assert.equal(query(dataDir, 'SELECT request_id FROM open_attempts')[0]?.request_id, long)
  fs.writeFileSync(second, segmentBytes([[settleText(long)]]))
  pass(writer)
  putSegment(dataDir, { sequence: 3 }, segmentBytes([]))
  pass(writer)
  assert.deepEqual(query(dataDir, 'SELECT * FROM open_attempts'), [])
  checkInvariants(dataDir)
  assert.equal(query(dataDir, "SELECT * FROM requests WHERE outcome = 'lost'").length, 0)
})

test('while the database is locked nothing is lost, and it goes on when the lock is gone', SQLITE_ONLY, (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = openWriter(t, dataDir)
  const file = putSegment(dataDir, {}, segmentBytes([[reserveText(requestId(1))]]))
  pass(writer)
  const other = new DatabaseSync(path.join(dataDir, 'ferro.db'))
  other.exec('BEGIN IMMEDIATE')
  fs.writeFileSync(
    file,
    segmentBytes([[reserveText(requestId(1))], [settleText(requestId(1)), reserveText(requestId(2))]]),
  )
  const refused = writer.ingest()
  assert.match(refused.error?.message ?? '', /locked/)
  other.exec('ROLLBACK')
  other.close()
  assert.equal(pass(writer), 2)
  writer.recover(NOW)
  checkInvariants(dataDir)
})

test('a transaction that fails in the middle leaves memory and database as they were', SQLITE_ONLY, (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = openWriter(t, dataDir)
  const other = new DatabaseSync(path.join(dataDir, 'ferro.db'))
  // The database's own refusal, at a chosen row: the reserve row is in the transaction by then.
  other.exec(`CREATE TRIGGER refuse BEFORE INSERT ON request_rows BEGIN SELECT raise(ABORT, 'no room'); END`)
  putSegment(
    dataDir,
    {},
    segmentBytes([[reserveText(requestId(1))], [settleText(requestId(1)), reserveText(requestId(2))]]),
  )
  for (let i = 0; i < 3; i++) assert.match(writer.ingest().error?.message ?? '', /no room/)
  assert.deepEqual(query(dataDir, ROWS), [])
  other.exec('DROP TRIGGER refuse')
  other.close()
  assert.equal(pass(writer), 3)
  writer.recover(NOW)
  checkInvariants(dataDir)
  assert.equal(query(dataDir, ROWS).length, 4)
})

test('a batch is bounded, and every worker has its turn', (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = openWriter(t, dataDir)
  for (const worker of [0, 1]) {
    const frames = Array.from({ length: 300 }, (_, f) =>
      Array.from({ length: 5 }, (_, i) => {
        const id = requestId(worker * 10_000 + f * 5 + i)
        return [reserveText(id), settleText(id)]
      }).flat(),
    )
    putSegment(dataDir, { worker }, segmentBytes(frames))
  }
  const first = writer.ingest()
  assert.ok(first.more && first.entries >= 2000 && first.entries < 2010, `${first.entries} entries`)
  writer.ingest()
  const seen = query(dataDir, `SELECT count(*) AS n FROM ledger WHERE request_id >= '${requestId(10_000)}'`)
  assert.ok(Number(seen[0]?.n) > 0, 'the second worker was read in the second pass')
  while (writer.ingest().more);
  checkInvariants(dataDir)
  assert.equal(query(dataDir, ROWS).length, 6000)
})

test('counts entries that it cannot read and takes the others', (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = openWriter(t, dataDir)
  const id = requestId(1)
  putSegment(dataDir, {}, segmentBytes([['["x"]', reserveText(id), '{}', '["r"', settleText(id), '["s",1]']]))
  pass(writer)
  assert.equal(writer.unreadable, 4)
  checkInvariants(dataDir)
  assert.equal(query(dataDir, ROWS).length, 2)
})

test('a reservation that was taken back is settled at nothing', (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = openWriter(t, dataDir)
  const id = requestId(1)
  const record = recordText(sampleRecord(id, { status: 503, outcome: 'refused', attempts: 0 }))
  putSegment(dataDir, {}, segmentBytes([[reserveText(id)], [record, `["v","${id}",1]`]]))
  pass(writer)
  assert.equal(writer.recover(NOW).lost, 0)
  checkInvariants(dataDir)
  assert.equal(query(dataDir, 'SELECT * FROM usage_daily')[0]?.tokens, 0)
})

test('a record that came before its unused reservation was settled stands', (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = openWriter(t, dataDir)
  const id = requestId(1)
  const record = recordText(sampleRecord(id, { status: 499, outcome: 'cancelled', attempts: 0 }))
  putSegment(dataDir, {}, segmentBytes([[reserveText(id)], [record], [settleText(id, { tokens: 0, record: null })]]))
  pass(writer)
  putSegment(dataDir, { sequence: 2 }, segmentBytes([]))
  pass(writer)
  assert.deepEqual(query(dataDir, 'SELECT * FROM open_attempts'), [], 'nothing of it is waited for')
  writer.recover(NOW)
  checkInvariants(dataDir)
  assert.equal(query(dataDir, 'SELECT outcome FROM requests')[0]?.outcome, 'cancelled')
})

test('tells the size of the journal', (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = openWriter(t, dataDir)
  const bytes = segmentBytes([[reserveText(requestId(1))]])
  putSegment(dataDir, {}, bytes)
  putSegment(dataDir, { worker: 1 }, bytes)
  assert.equal(writer.journalBytes(), 2 * bytes.length)
})
