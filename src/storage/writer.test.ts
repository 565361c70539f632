import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { putSegment, segmentBytes } from './testing/journal-files.ts'
import { requestId, reserveText, sampleRecord, settleText, temporaryDirectory } from './testing/samples.ts'
import { LedgerWriter } from './writer.ts'

const NOW = Date.UTC(2026, 0, 15, 12)

function open(t: TestContext, dataDir: string): LedgerWriter {
  const writer = LedgerWriter.open({ dataDir, databaseUrl: null })
  t.after(() => {
    try {
      writer.close()
    } catch {
      // Closed by the test.
    }
  })
  return writer
}

function query(dataDir: string, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(path.join(dataDir, 'ferro.db'), { readOnly: true })
  try {
    return database.prepare(sql).all()
  } finally {
    database.close()
  }
}

const ROWS =
  'SELECT request_id, attempt, phase, tokens, nanos, usage_source FROM ledger ORDER BY request_id, attempt, phase'

/** What must hold in any database whose journal is read to its end. */
function checkInvariants(dataDir: string, label = ''): void {
  const unpaired = query(
    dataDir,
    `SELECT request_id, attempt, count(*) AS n, sum(phase) AS phases FROM ledger GROUP BY 1, 2 HAVING n <> 2 OR phases <> 1`,
  )
  assert.deepEqual(unpaired, [], `every attempt has one reserve and one settle row ${label}`)
  const missing = query(dataDir, 'SELECT request_id FROM ledger WHERE request_id NOT IN (SELECT id FROM requests)')
  assert.deepEqual(missing, [], `every dispatched request has a record ${label}`)
  const ledger = query(
    dataDir,
    `SELECT reserved_at / 86400000 AS day, coalesce(key_id, '') AS key_id, provider, model, count(*) AS requests,
       sum(tokens) AS tokens, sum(nanos) AS nanos FROM ledger WHERE phase = 1 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`,
  )
  const sums = query(dataDir, 'SELECT * FROM usage_daily ORDER BY day, key_id, provider, model')
  assert.deepEqual(sums, ledger, `sums equal the ledger ${label}`)
}

function journalFiles(dataDir: string): string[] {
  return fs.readdirSync(path.join(dataDir, 'journal'))
}

function pass(writer: LedgerWriter): number {
  const result = writer.ingest()
  if (result.error !== null) throw result.error
  return result.entries
}

test('a reservation and its settlement in one batch give both rows and the record', (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = open(t, dataDir)
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
  const writer = open(t, dataDir)
  const whole = segmentBytes([
    [reserveText(requestId(1))],
    [reserveText(requestId(2)), settleText(requestId(1))],
    [settleText(requestId(2)), JSON.stringify(['q', sampleRecord(requestId(3), { status: 401, outcome: 'refused' })])],
  ])
  const file = putSegment(dataDir, {}, whole.subarray(0, 8))
  let entries = 0
  for (let at = 8; at < whole.length; at += 97) {
    fs.appendFileSync(file, whole.subarray(at, at + 97))
    entries += pass(writer)
  }
  assert.equal(entries, 5)
  assert.equal(journalFiles(dataDir).length, 1)
  checkInvariants(dataDir)
  assert.equal(query(dataDir, 'SELECT id FROM requests').length, 3)
})

test('recovery settles open reservations in full, flags them and removes the segments', (t) => {
  const dataDir = temporaryDirectory(t)
  putSegment(
    dataDir,
    {},
    segmentBytes([[reserveText(requestId(1))], [reserveText(requestId(2)), settleText(requestId(2))]]),
  )
  const writer = open(t, dataDir)
  const recovery = writer.recover(NOW)
  assert.equal(recovery.lost, 1)
  assert.deepEqual(recovery.damaged, [])
  assert.deepEqual(journalFiles(dataDir), [])
  checkInvariants(dataDir)
  const [lost] = query(dataDir, `SELECT * FROM requests WHERE id = '${requestId(1)}'`)
  assert.equal(lost?.outcome, 'lost')
  assert.equal(lost?.status, 0)
  assert.equal(lost?.usage_source, 'reserved')
  assert.equal(lost?.input_tokens, 100)
  assert.deepEqual(recovery.spending, [
    {
      keyId: 'dev',
      day: { tokens: 132, nanos: 62_345 },
      month: { tokens: 132, nanos: 62_345 },
      total: { tokens: 132, nanos: 62_345 },
    },
  ])
})

test('spending is told by UTC day and month of the reservation', (t) => {
  const dataDir = temporaryDirectory(t)
  const times = [Date.UTC(2025, 11, 31, 23, 59), Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 14, 23), Date.UTC(2026, 0, 15)]
  const entries = times.flatMap((reservedAt, i) => [
    reserveText(requestId(i), { reservedAt }),
    settleText(requestId(i), { tokens: 10 ** i, nanos: 0 }),
  ])
  putSegment(dataDir, {}, segmentBytes([entries]))
  const [key] = open(t, dataDir).recover(NOW).spending
  assert.deepEqual([key?.day.tokens, key?.month.tokens, key?.total.tokens], [1000, 1110, 1111])
})

test('tells the admissions of the last minute per key', (t) => {
  const dataDir = temporaryDirectory(t)
  const record = (n: number, ms: number, differences: object) =>
    JSON.stringify(['q', sampleRecord(requestId(n, ms), { time: ms, ...differences })])
  putSegment(
    dataDir,
    {},
    segmentBytes([
      [
        record(1, NOW - 61_000, {}),
        record(2, NOW - 59_000, {}),
        record(3, NOW - 1000, { key_id: 'other' }),
        record(4, NOW - 900, { outcome: 'refused', attempts: 0, status: 429 }),
        record(5, NOW - 800, { outcome: 'cancelled', attempts: 0 }),
      ],
    ]),
  )
  const { admissions } = open(t, dataDir).recover(NOW)
  assert.deepEqual(Object.fromEntries(admissions), { dev: [NOW - 59_000, NOW - 800], other: [NOW - 1000] })
})

test('a journal cut at any byte recovers to whole facts, and late duplicates change nothing', (t) => {
  const ids = [1, 2, 3].map((n) => requestId(n))
  const [a = '', b = '', c = ''] = ids
  const whole = segmentBytes([
    [reserveText(a), reserveText(b)],
    [settleText(a), reserveText(c)],
    [settleText(b, { record: null }), reserveText(b, { attempt: 2 })],
    [settleText(b, { attempt: 2 }), settleText(c)],
  ])
  for (let cut = 0; cut <= whole.length; cut += cut < 20 || cut > whole.length - 10 ? 3 : 67) {
    const dataDir = temporaryDirectory(t)
    putSegment(dataDir, {}, whole.subarray(0, cut))
    const writer = LedgerWriter.open({ dataDir, databaseUrl: null })
    const first = writer.recover(NOW)
    assert.deepEqual(first.damaged, [])
    checkInvariants(dataDir, `cut at ${cut}`)
    const rows = query(dataDir, ROWS)
    // The whole journal arrives after all: what was settled as lost stays so, what is new is added.
    putSegment(dataDir, {}, whole)
    writer.recover(NOW)
    checkInvariants(dataDir, `duplicate after cut at ${cut}`)
    const after = query(dataDir, ROWS)
    const name = (row: Record<string, unknown>) => `${row.request_id}/${row.attempt}/${row.phase}`
    const byName = new Map(after.map((row) => [name(row), row]))
    for (const row of rows) assert.deepEqual(byName.get(name(row)), row, 'a recorded fact never changes')
    assert.equal(after.length, 8)
    writer.close()
  }
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
      const writer = LedgerWriter.open({ dataDir, databaseUrl: null })
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
    { numRuns: 40 },
  )
})

test('removes a rotated segment although a request of it still runs, and settles that request later', (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = open(t, dataDir)
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

test('a request that outlives its segment is settled in full when the process dies', (t) => {
  const dataDir = temporaryDirectory(t)
  const first = LedgerWriter.open({ dataDir, databaseUrl: null })
  putSegment(dataDir, { sequence: 1 }, segmentBytes([[reserveText(requestId(1))]]))
  putSegment(dataDir, { sequence: 2 }, segmentBytes([]))
  pass(first)
  first.close()
  fs.rmSync(path.join(dataDir, 'journal'), { recursive: true })
  const recovery = open(t, dataDir).recover(NOW)
  assert.equal(recovery.lost, 1)
  checkInvariants(dataDir)
  assert.deepEqual(query(dataDir, 'SELECT * FROM open_attempts'), [])
})

test('a dead worker is examined from its journal: what was not applied, and what was open', (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = open(t, dataDir)
  const ids = [1, 2, 3, 4].map((n) => requestId(n))
  const [a = '', b = '', c = '', other = ''] = ids
  putSegment(dataDir, { worker: 1 }, segmentBytes([[reserveText(other)]]))
  putSegment(
    dataDir,
    { worker: 0 },
    segmentBytes([
      [reserveText(a, { tokens: 70 }), reserveText(b, { tokens: 80 }), reserveText(c, { tokens: 90 })],
      [settleText(a, { tokens: 7 }), settleText(b, { tokens: 8 })],
    ]),
  )
  pass(writer)
  const report = writer.workerDied(0, 1000, { sequence: 1, ordinal: 1 })
  assert.deepEqual([report.sequence, report.reserveEntries, report.settleEntries], [1, 3, 2])
  assert.deepEqual(report.unapplied, [
    {
      sequence: 1,
      ordinal: 2,
      reserved: [['key:dev:tokens:month', 24_313, 80]],
      final: [['key:dev:tokens:month', 24_313, 8]],
    },
  ])
  assert.deepEqual(report.open, [[['key:dev:tokens:month', 24_313, 90]]])
  assert.equal(journalFiles(dataDir).length, 1, 'only the living worker has a segment')
  const settled = query(dataDir, 'SELECT request_id, tokens, usage_source FROM ledger WHERE phase = 1 ORDER BY 1')
  assert.deepEqual(
    settled.map((row) => ({ ...row })),
    [
      { request_id: a, tokens: 7, usage_source: 'reported' },
      { request_id: b, tokens: 8, usage_source: 'reported' },
      { request_id: c, tokens: 90, usage_source: 'reserved' },
    ],
  )
  const unknown = writer.workerDied(7, 1000, { sequence: 0, ordinal: 0 })
  assert.deepEqual([unknown.sequence, unknown.open, unknown.unapplied], [0, [], []])
})

test('a dead worker is examined in full although the segment of a reservation is gone', (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = open(t, dataDir)
  const [a, b] = [requestId(1), requestId(2)]
  const first = putSegment(dataDir, { sequence: 1 }, segmentBytes([[reserveText(a, { tokens: 70 })]]))
  pass(writer)
  fs.appendFileSync(first, segmentBytes([[reserveText(b, { tokens: 80 })]]).subarray(8))
  const second = putSegment(dataDir, { sequence: 2 }, segmentBytes([[settleText(a, { tokens: 7 })]]))
  pass(writer)
  assert.deepEqual(journalFiles(dataDir), [path.basename(second)])
  const report = writer.workerDied(0, 1000, { sequence: 2, ordinal: 0 })
  const charge = (amount: number) => ['key:dev:tokens:month', 24_313, amount]
  assert.deepEqual(report.unapplied, [{ sequence: 2, ordinal: 1, reserved: [charge(70)], final: [charge(7)] }])
  assert.deepEqual(report.open, [[charge(80)]])
  checkInvariants(dataDir)
  assert.deepEqual(query(dataDir, 'SELECT * FROM open_attempts'), [])
  assert.deepEqual(query(dataDir, "SELECT id FROM requests WHERE outcome = 'lost'").length, 1)
})

test('while the database is locked nothing is lost, and it goes on when the lock is gone', (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = open(t, dataDir)
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

test('a transaction that fails in the middle leaves memory and database as they were', (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = open(t, dataDir)
  const other = new DatabaseSync(path.join(dataDir, 'ferro.db'))
  // The database's own refusal, at a chosen row: the reserve row is in the transaction by then.
  other.exec(`CREATE TRIGGER refuse BEFORE INSERT ON requests BEGIN SELECT raise(ABORT, 'no room'); END`)
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
  const writer = open(t, dataDir)
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

test('a damaged segment is read as far as it can be and kept aside', (t) => {
  const dataDir = temporaryDirectory(t)
  const bytes = segmentBytes([[reserveText(requestId(1)), settleText(requestId(1))], [reserveText(requestId(2))]])
  bytes[bytes.length - 5] = 0
  const file = putSegment(dataDir, {}, bytes)
  const recovery = open(t, dataDir).recover(NOW)
  assert.deepEqual(recovery.damaged, [path.basename(file)])
  assert.deepEqual(journalFiles(dataDir), [`${path.basename(file)}.damaged`])
  assert.equal(query(dataDir, ROWS).length, 2)
  checkInvariants(dataDir)
})

test('counts entries that it cannot read and takes the others', (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = open(t, dataDir)
  const id = requestId(1)
  putSegment(dataDir, {}, segmentBytes([['["x"]', reserveText(id), '{}', '["r"', settleText(id), '["s",1]']]))
  pass(writer)
  assert.equal(writer.unreadable, 4)
  checkInvariants(dataDir)
  assert.equal(query(dataDir, ROWS).length, 2)
})

test('a reservation that was taken back is settled at nothing', (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = open(t, dataDir)
  const id = requestId(1)
  const record = JSON.stringify(['q', sampleRecord(id, { status: 503, outcome: 'refused', attempts: 0 })])
  putSegment(dataDir, {}, segmentBytes([[reserveText(id)], [record, `["v","${id}",1]`]]))
  pass(writer)
  assert.equal(writer.recover(NOW).lost, 0)
  checkInvariants(dataDir)
  assert.equal(query(dataDir, 'SELECT * FROM usage_daily')[0]?.tokens, 0)
})

test('a record that came before its unused reservation was settled stands', (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = open(t, dataDir)
  const id = requestId(1)
  const record = JSON.stringify(['q', sampleRecord(id, { status: 499, outcome: 'cancelled', attempts: 0 })])
  putSegment(dataDir, {}, segmentBytes([[reserveText(id)], [record], [settleText(id, { tokens: 0, record: null })]]))
  pass(writer)
  writer.recover(NOW)
  checkInvariants(dataDir)
  assert.equal(query(dataDir, 'SELECT outcome FROM requests')[0]?.outcome, 'cancelled')
})

test('a request whose worker died between two attempts is recorded as lost and charged no more', (t) => {
  const dataDir = temporaryDirectory(t)
  putSegment(dataDir, {}, segmentBytes([[reserveText(requestId(1)), settleText(requestId(1), { record: null })]]))
  const recovery = open(t, dataDir).recover(NOW)
  assert.equal(recovery.lost, 0)
  checkInvariants(dataDir)
  const [request] = query(dataDir, 'SELECT outcome, usage_source, input_tokens FROM requests')
  assert.deepEqual({ ...request }, { outcome: 'lost', usage_source: 'none', input_tokens: 0 })
})

test('tells the size of the journal', (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = open(t, dataDir)
  const bytes = segmentBytes([[reserveText(requestId(1))]])
  putSegment(dataDir, {}, bytes)
  putSegment(dataDir, { worker: 1 }, bytes)
  assert.equal(writer.journalBytes(), 2 * bytes.length)
})
