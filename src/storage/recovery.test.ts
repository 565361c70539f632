import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { StorageError } from './errors.ts'
import { putSegment, segmentBytes } from './testing/journal-files.ts'
import { checkInvariants, journalFiles, openWriter, pass, query, ROWS } from './testing/ledger-checks.ts'
import { recordText, requestId, reserveText, sampleRecord, settleText, temporaryDirectory } from './testing/samples.ts'
import { EXAMPLES, openStore } from './testing/stores.ts'

const NOW = Date.UTC(2026, 0, 15, 12)

const MONTH = {
  counter: 'key:dev:tokens:month',
  period: 24_313,
  level: 'key:dev',
  unit: 'tokens',
  fromMs: Date.UTC(2026, 0),
  toMs: Date.UTC(2026, 1),
} as const

test('recovery settles open reservations in full, flags them and removes the segments', (t) => {
  const dataDir = temporaryDirectory(t)
  putSegment(
    dataDir,
    {},
    segmentBytes([[reserveText(requestId(1))], [reserveText(requestId(2)), settleText(requestId(2))]]),
  )
  const writer = openWriter(t, dataDir)
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
  // 100 of the lost one, and 32 of the other.
  assert.deepEqual(writer.counterSums([MONTH]), [132])
  assert.deepEqual(query(dataDir, 'SELECT * FROM counter_sums').map(Object.values), [
    ['key:dev:tokens:month', 24_313, 132],
  ])
})

test('a budget that is new begins with what its level used before, by the moment of the reservation', (t) => {
  const dataDir = temporaryDirectory(t)
  const times = [Date.UTC(2025, 11, 31, 23, 59), Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 14, 23), Date.UTC(2026, 0, 15)]
  const entries = times.flatMap((reservedAt, i) => [
    reserveText(requestId(i, reservedAt), { reservedAt }),
    settleText(requestId(i, reservedAt), { tokens: 10 ** i, nanos: 0 }),
  ])
  putSegment(dataDir, {}, segmentBytes([entries]))
  const writer = openWriter(t, dataDir)
  writer.recover(NOW)
  const fresh = (fromMs: number, toMs: number | null, level = 'key:dev') =>
    writer.counterSums([{ counter: `new:${fromMs}:${toMs}`, period: 0, level, unit: 'tokens', fromMs, toMs }])[0]
  const month = [Date.UTC(2026, 0), Date.UTC(2026, 1)] as const
  assert.equal(fresh(Date.UTC(2026, 0, 15), Date.UTC(2026, 0, 16)), 1000)
  assert.equal(fresh(...month), 1110)
  assert.equal(fresh(0, null), 1111)
  assert.equal(fresh(...month, 'gateway'), 1110)
  assert.equal(fresh(...month, 'team:none'), 1110, 'the name of a counter decides: it is filled up, and never emptied')
  assert.equal(fresh(month[0] + 1, month[1], 'team:none'), 0)
  // A time zone one hour ahead of UTC: its days begin at 23:00.
  assert.equal(fresh(Date.UTC(2026, 0, 14, 23), Date.UTC(2026, 0, 15, 23)), 1100)
  assert.equal(fresh(Date.UTC(2025, 11, 31, 23), Date.UTC(2026, 0, 31, 23)), 1111)
  assert.equal(fresh(Date.UTC(2026, 0, 1, 0, 0, 0, 1), Date.UTC(2026, 0, 14, 23)), 0)
})

test('tells per key the admissions since a moment: what the rate limit refused, or who came before it, is none', (t) => {
  const dataDir = temporaryDirectory(t)
  const record = (n: number, ms: number, differences: object) =>
    recordText(sampleRecord(requestId(n, ms), { time: ms, ...differences }))
  putSegment(
    dataDir,
    {},
    segmentBytes([
      [
        record(1, NOW - 61_000, {}),
        record(2, NOW - 59_000, {}),
        record(3, NOW - 1000, { key_id: 'other' }),
        record(5, NOW - 800, { outcome: 'cancelled', attempts: 0 }),
        record(6, NOW - 700, { outcome: 'refused', attempts: 0, error_code: 'rate_limit_exceeded' }),
        record(7, NOW - 600, { outcome: 'refused', attempts: 0, error_code: 'insufficient_scope' }),
        record(8, NOW - 500, { outcome: 'refused', attempts: 0, error_code: 'model_not_found' }),
        record(9, NOW - 400, { outcome: 'upstream_error', attempts: 1, error_code: 'rate_limit_exceeded' }),
        record(10, NOW - 300, { route: 'docs' }),
        record(11, NOW - 200, { route: null, outcome: 'lost' }),
      ],
    ]),
  )
  const { admissions } = openWriter(t, dataDir).recover(NOW, { sinceMs: NOW - 60_000, routes: ['chat.completions'] })
  assert.deepEqual(Object.fromEntries(admissions), {
    gateway: [59_000, 1000, 800, 500, 400, 200].map((ago) => NOW - ago),
    'key:dev': [59_000, 800, 500, 400, 200].map((ago) => NOW - ago),
    'key:other': [NOW - 1000],
  })
})

test('tells per level what was charged since a moment, in full where nobody knows', (t) => {
  const dataDir = temporaryDirectory(t)
  const [early, late, lost] = [NOW - 120_000, NOW - 900, NOW - 500]
  const [first, second] = [requestId(1, early), requestId(2, late)]
  const record = sampleRecord(second, { time: late, team: 'search' })
  putSegment(
    dataDir,
    {},
    segmentBytes([
      [reserveText(first, { reservedAt: early }), settleText(first)],
      [reserveText(second, { reservedAt: late }), settleText(second, { record })],
      [reserveText(requestId(3, lost), { reservedAt: lost })],
    ]),
  )
  const { tokens } = openWriter(t, dataDir).recover(NOW, { sinceMs: NOW - 60_000, routes: [] })
  const both = [
    { atMs: late, tokens: 32 },
    { atMs: lost, tokens: 100 },
  ]
  assert.deepEqual(Object.fromEntries(tokens), { gateway: both, 'key:dev': both, 'team:search': both.slice(0, 1) })
})

test('B19 a journal cut at any byte recovers to whole facts, and late duplicates change nothing', (t) => {
  const ids = [1, 2, 3].map((n) => requestId(n))
  const [a = '', b = '', c = ''] = ids
  const whole = segmentBytes([
    [reserveText(a), reserveText(b)],
    [settleText(a), reserveText(c)],
    [settleText(b, { record: null }), reserveText(b, { attempt: 2 })],
    [settleText(b, { attempt: 2 }), settleText(c)],
  ])
  // Fewer on a server, where opening a database costs more.
  const [near, far] = EXAMPLES < 40 ? [11, 401] : [3, 67]
  for (let cut = 0; cut <= whole.length; cut += cut < 20 || cut > whole.length - 10 ? near : far) {
    const dataDir = temporaryDirectory(t)
    putSegment(dataDir, {}, whole.subarray(0, cut))
    const writer = openStore(dataDir)
    const first = writer.recover(NOW)
    assert.deepEqual(first.damaged, [])
    checkInvariants(dataDir, `cut at ${cut}`)
    const rows = query(dataDir, ROWS)
    // The whole journal arrives after all: what was settled as lost stays so, what is new is added.
    putSegment(dataDir, {}, whole)
    writer.recover(NOW)
    checkInvariants(dataDir, `duplicate after cut at ${cut}`)
    const after = query(dataDir, ROWS)
    const name = (row: Record<string, unknown>) => JSON.stringify([row.request_id, row.attempt, row.phase])
    const byName = new Map(after.map((row) => [name(row), row]))
    for (const row of rows) assert.deepEqual(byName.get(name(row)), row, 'a recorded fact never changes')
    assert.equal(after.length, 8)
    writer.close()
  }
})

test('B19 an attempt is in the ledger once, wherever each of its duplicates would be stored', (t) => {
  const dataDir = temporaryDirectory(t)
  const id = requestId(1)
  const whole = settleText(id)
  // With its record and without, first and second: rows of a request and of an attempt exclude each other.
  const apart = [settleText(id, { record: null }), recordText(sampleRecord(id))]
  for (const [sequence, entries] of [[whole], apart, [whole], apart, apart.toReversed()].entries()) {
    const writer = openStore(dataDir)
    putSegment(dataDir, { startMs: 1000 + sequence }, segmentBytes([[reserveText(id), ...entries]]))
    assert.equal(writer.recover(NOW).lost, 0)
    writer.close()
    checkInvariants(dataDir, `after ${sequence}`)
    assert.equal(query(dataDir, ROWS).length, 2)
  }
  const other = requestId(2)
  for (const [sequence, entries] of [apart, [whole], apart.toReversed()].entries()) {
    const writer = openStore(dataDir)
    const texts = [reserveText(id), ...entries].map((text) => text.replaceAll(id, other))
    putSegment(dataDir, { startMs: 1000 + sequence }, segmentBytes([texts]))
    assert.equal(writer.recover(NOW).lost, 0)
    writer.close()
    checkInvariants(dataDir, `of the other after ${sequence}`)
    assert.equal(query(dataDir, ROWS).length, 4)
  }
})

test('a request that outlives its segment is settled in full when the process dies', (t) => {
  const dataDir = temporaryDirectory(t)
  const first = openStore(dataDir)
  putSegment(dataDir, { sequence: 1 }, segmentBytes([[reserveText(requestId(1))]]))
  putSegment(dataDir, { sequence: 2 }, segmentBytes([]))
  pass(first)
  first.close()
  fs.rmSync(path.join(dataDir, 'journal'), { recursive: true })
  const recovery = openWriter(t, dataDir).recover(NOW)
  assert.equal(recovery.lost, 1)
  checkInvariants(dataDir)
  assert.deepEqual(query(dataDir, 'SELECT * FROM open_attempts'), [])
})

test('a dead worker is examined from its journal: what was not applied, and what was open', (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = openWriter(t, dataDir)
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
  assert.deepEqual([report.sequence, report.reserveCharges], [1, 3])
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

test('a writer that takes the place of another settles the workers that nobody knows any more, and no other', (t) => {
  const dataDir = temporaryDirectory(t)
  const ids = [1, 2, 3, 4].map((n) => requestId(n))
  // Number 1 is dead and forgotten, 2 lives, 3 is dead and its report is still to come, 4 began after the take-over.
  for (const [at, id] of ids.entries()) {
    putSegment(dataDir, { worker: at + 1, startMs: 1000 }, segmentBytes([[reserveText(id, { tokens: 70 })]]))
  }
  const writer = openWriter(t, dataDir)
  const known = [2, 3].map((worker) => ({ worker, startMs: 1000 }))
  writer.takeOver({ known, nextWorker: 4 })
  pass(writer)
  assert.deepEqual(
    query(dataDir, 'SELECT id FROM requests').map((row) => row.id),
    ids.slice(0, 1),
  )
  assert.equal(journalFiles(dataDir).length, 3)
  assert.equal(writer.workerDied(3, 1000, { sequence: 0, ordinal: 0 }).open.length, 1, 'its charges are still told')
})

test('a dead worker is examined in full although the segment of a reservation is gone', (t) => {
  const dataDir = temporaryDirectory(t)
  const writer = openWriter(t, dataDir)
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

test('a damaged segment is read as far as it can be and kept aside', (t) => {
  const dataDir = temporaryDirectory(t)
  const bytes = segmentBytes([[reserveText(requestId(1)), settleText(requestId(1))], [reserveText(requestId(2))]])
  bytes[bytes.length - 5] = 0
  const file = putSegment(dataDir, {}, bytes)
  const recovery = openWriter(t, dataDir).recover(NOW)
  assert.deepEqual(recovery.damaged, [path.basename(file)])
  assert.deepEqual(journalFiles(dataDir), [`${path.basename(file)}.damaged`])
  assert.equal(query(dataDir, ROWS).length, 2)
  checkInvariants(dataDir)
})

test('refuses to start on a journal of another version, and touches nothing', (t) => {
  const dataDir = temporaryDirectory(t)
  const bytes = segmentBytes([[reserveText(requestId(1))]])
  bytes.write('FERROJ1\n', 'latin1')
  const file = putSegment(dataDir, {}, bytes)
  const writer = openWriter(t, dataDir)
  assert.throws(
    () => writer.recover(NOW),
    (error) => error instanceof StorageError && error.code === 'unknown_format' && error.message.includes(file),
  )
  assert.deepEqual(journalFiles(dataDir), [path.basename(file)])
  assert.deepEqual(query(dataDir, ROWS), [])
})

test('a request whose worker died with two attempts on their way has both settled, and one record of both', (t) => {
  const dataDir = temporaryDirectory(t)
  const id = requestId(1)
  putSegment(dataDir, {}, segmentBytes([[reserveText(id), reserveText(id, { attempt: 2 })]]))
  assert.equal(openWriter(t, dataDir).recover(NOW).lost, 2)
  checkInvariants(dataDir)
  const requests = query(dataDir, 'SELECT outcome, attempts, input_tokens FROM requests')
  assert.deepEqual(
    requests.map((row) => ({ ...row })),
    [{ outcome: 'lost', attempts: 2, input_tokens: 200 }],
  )
})

test('a request whose worker died between two attempts is recorded as lost and charged no more', (t) => {
  const dataDir = temporaryDirectory(t)
  putSegment(dataDir, {}, segmentBytes([[reserveText(requestId(1)), settleText(requestId(1), { record: null })]]))
  const recovery = openWriter(t, dataDir).recover(NOW)
  assert.equal(recovery.lost, 0)
  checkInvariants(dataDir)
  const [request] = query(dataDir, 'SELECT outcome, usage_source, input_tokens FROM requests')
  assert.deepEqual({ ...request }, { outcome: 'lost', usage_source: 'none', input_tokens: 0 })
})

test('attempts of one request that end in three segments are told in full as long as their segments stand', (t) => {
  const dataDir = temporaryDirectory(t)
  const id = requestId(1)
  const attempt = (n: number) => ({ attempt: n, tokens: 10 * n })
  const given = (n: number) => settleText(id, { attempt: n, tokens: 0, record: null })
  const segments = [
    [reserveText(id, attempt(1))],
    [given(1), reserveText(id, attempt(2))],
    [given(2), reserveText(id, attempt(3))],
  ]
  for (const read of [1, 2, 3]) {
    const directory = path.join(dataDir, String(read))
    // Segments arrive one after the other; all but the last of those that were read may be gone when the worker dies.
    const writer = openWriter(t, directory)
    for (const [at, entries] of segments.entries()) {
      putSegment(directory, { sequence: at + 1 }, segmentBytes([entries]))
      if (at < read) pass(writer)
    }
    const { unapplied, open } = writer.workerDied(0, 1000, { sequence: 3, ordinal: 0 })
    const charge = (amount: number) => ['key:dev:tokens:month', 24_313, amount]
    assert.deepEqual(unapplied, [{ sequence: 3, ordinal: 1, reserved: [charge(20)], final: [charge(0)] }], `${read}`)
    assert.deepEqual(open, [[charge(30)]], `${read}`)
    checkInvariants(directory, `${read}`)
    assert.deepEqual(query(directory, 'SELECT * FROM open_attempts'), [])
    const [record] = query(directory, 'SELECT outcome, attempts, input_tokens FROM requests')
    assert.deepEqual({ ...record }, { outcome: 'lost', attempts: 3, input_tokens: 30 })
  }
})

test('a request between two attempts whose segments are gone still gets its record when its worker dies', (t) => {
  const dataDir = temporaryDirectory(t)
  const id = requestId(1)
  const writer = openStore(dataDir)
  putSegment(dataDir, { sequence: 1 }, segmentBytes([[reserveText(id)]]))
  putSegment(dataDir, { sequence: 2 }, segmentBytes([[settleText(id, { tokens: 0, record: null })]]))
  pass(writer)
  putSegment(dataDir, { sequence: 3 }, segmentBytes([]))
  pass(writer)
  pass(writer)
  writer.close()
  const next = openWriter(t, dataDir)
  assert.equal(next.recover(NOW).lost, 0)
  const [record] = query(dataDir, 'SELECT outcome, usage_source FROM requests')
  assert.deepEqual({ ...record }, { outcome: 'lost', usage_source: 'none' })
  assert.deepEqual(query(dataDir, 'SELECT * FROM open_attempts'), [])
})
