import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { temporaryDirectory } from '../testing/samples.ts'
import { openTables, SQLITE_ONLY } from '../testing/stores.ts'
import { HeldAmounts } from './held-amounts.ts'

const DAY = 20_000
const RESERVED_AT = DAY * 86_400_000 + 5
const CHARGES = [['team:t:tokens:day', DAY, 900]]
const BEFORE = { tokens: 1000, nanos: 100, adjusted: [0, 0], levels: [[1000, 100]], counter: 1000 }
const AFTER = { tokens: 100, nanos: 30, adjusted: [-900, -70], levels: [[100, 30]], counter: 100 }
const RESERVED = [0, 1, RESERVED_AT, null, 900, 70]
const SETTLED = [1, 1, RESERVED_AT, null, 900, 70]

function opened(t: TestContext, source: string, table: 'request' | 'attempt') {
  const database = openTables(temporaryDirectory(t))
  t.after(() => database.close())
  const amounts = JSON.stringify([1, RESERVED_AT, 'k', 'vendor', '', 900, 70, null, 900, 70, source])
  const own = table === 'request' ? amounts : null
  database.prepare("INSERT INTO request_rows VALUES ('r', 'k', '[]', ?)").run(own)
  if (table === 'attempt') database.prepare("INSERT INTO attempt_rows VALUES ('r', 1, ?)").run(amounts)
  const day = 'day, key_id, provider, model, requests, tokens, nanos'
  database.prepare(`INSERT INTO usage_daily (${day}) VALUES (?, 'k', 'vendor', '', 2, 1000, 100)`).run(DAY)
  database.prepare("INSERT INTO reserved_charges VALUES ('r', 1, ?, ?)").run(JSON.stringify(CHARGES), '["team:t"]')
  database.prepare("INSERT INTO counter_sums VALUES ('team:t:tokens:day', ?, 1000)").run(DAY)
  for (const level of ['gateway', 'key:k', 'team:t']) {
    database.prepare('INSERT INTO level_daily VALUES (?, ?, 2, 1000, 100)').run(level, DAY)
  }
  const held = new HeldAmounts(database)
  const sums = () => {
    const day = database.prepare('SELECT * FROM usage_daily').get()
    return {
      tokens: day?.['tokens'],
      nanos: day?.['nanos'],
      adjusted: [day?.['adjusted_tokens'], day?.['adjusted_nanos']],
      levels: database.prepare('SELECT DISTINCT tokens, nanos FROM level_daily').all().map(Object.values),
      counter: database.prepare('SELECT spent FROM counter_sums').get()?.['spent'],
    }
  }
  const columns = 'phase, sequence, reserved_at, entered_at, tokens, nanos'
  const entries = () => {
    return database.prepare(`SELECT ${columns} FROM ledger ORDER BY phase, sequence`).all().map(Object.values)
  }
  return { held, sums, entries, database }
}

suite('what is held for a thing', () => {
  for (const table of ['request', 'attempt'] as const) {
    // In PostgreSQL no attempt stands in its request's row.
    const options = table === 'request' ? SQLITE_ONLY : {}
    test(`is taken back once, by an entry beside the settlement, which stays as it was (${table})`, options, (t) => {
      const { held, sums, entries } = opened(t, 'reserved', table)
      held.expect('batch', 'r', 0)
      assert.deepEqual(held.release('batch', 'adjust', 77), {
        keyId: 'k',
        reservedAt: RESERVED_AT,
        tokens: 900,
        nanos: 70,
        charges: CHARGES,
      })
      assert.deepEqual(sums(), AFTER)
      const all = [RESERVED, SETTLED, [3, 1, RESERVED_AT, 77, -900, -70]]
      assert.deepEqual(entries(), all)
      assert.equal(held.release('batch', 'adjust', 78), null)
      held.expect('batch again', 'r', 0)
      assert.equal(held.release('batch again', 'release', 79)?.tokens, 0, 'nothing of it is charged any more')
      assert.deepEqual(sums(), AFTER)
      assert.deepEqual(entries(), all)
    })
  }

  test('is released when the thing used nothing', (t) => {
    const { held, sums, entries, database } = opened(t, 'reserved', 'attempt')
    held.expect('batch', 'r', 0)
    held.release('batch', 'release', 77)
    assert.deepEqual(entries(), [RESERVED, SETTLED, [2, 1, RESERVED_AT, 77, -900, -70]])
    assert.deepEqual(sums(), AFTER)
    const { charges, levels } = database.prepare('SELECT charges, levels FROM later_entries').get() ?? {}
    assert.deepEqual([charges, levels], [`[["team:t:tokens:day",${DAY},-900]]`, '["team:t"]'])
  })

  test('stays when nothing was expected, and waits for its row', (t) => {
    const { held, sums } = opened(t, 'reserved', 'attempt')
    assert.equal(held.release('batch', 'adjust', 0), null)
    held.expect('other', 'later', 0)
    assert.equal(held.release('other', 'adjust', 0), null)
    assert.equal(held.holds('other'), true)
    assert.deepEqual(sums(), BEFORE)
  })

  test('stays charged when nobody will ever tell what the thing used, or it is too long ago', (t) => {
    const { held, sums } = opened(t, 'reserved', 'attempt')
    held.expect('batch', 'r', 0)
    held.keep('batch')
    held.expect('old batch', 'r', 0)
    held.forgetOld(101 * 86_400_000)
    for (const thing of ['batch', 'old batch']) assert.equal(held.release(thing, 'adjust', 0), null)
    assert.deepEqual(sums(), BEFORE)
  })

  test('is nothing of what was really used', (t) => {
    const { held, sums, entries } = opened(t, 'reported', 'attempt')
    held.expect('batch', 'r', 0)
    assert.equal(held.release('batch', 'adjust', 0)?.tokens, 0)
    assert.deepEqual(sums(), BEFORE)
    assert.deepEqual(entries(), [RESERVED, SETTLED])
  })
})
