import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { temporaryDirectory } from '../testing/samples.ts'
import { openTables, SQLITE_ONLY } from '../testing/stores.ts'
import { HeldAmounts } from './held-amounts.ts'

const DAY = 20_000
const RESERVED_AT = DAY * 86_400_000 + 5
const CHARGES = [['team:t:tokens:day', DAY, 900]]
const BEFORE = { tokens: 1000, nanos: 100, levels: [[1000, 100]], counter: 1000 }
const AFTER = { tokens: 100, nanos: 30, levels: [[100, 30]], counter: 100 }

function opened(t: TestContext, source: string, table: 'request' | 'attempt') {
  const database = openTables(temporaryDirectory(t))
  t.after(() => database.close())
  const amounts = JSON.stringify([1, RESERVED_AT, 'k', 'vendor', '', 900, 70, null, 900, 70, source])
  if (table === 'request') database.prepare("INSERT INTO request_rows VALUES ('r', 'k', '[]', ?)").run(amounts)
  else database.prepare("INSERT INTO attempt_rows VALUES ('r', 1, ?)").run(amounts)
  database.prepare("INSERT INTO usage_daily VALUES (?, 'k', 'vendor', '', 2, 1000, 100)").run(DAY)
  database.prepare("INSERT INTO reserved_charges VALUES ('r', 1, ?, ?)").run(JSON.stringify(CHARGES), '["team:t"]')
  database.prepare("INSERT INTO counter_sums VALUES ('team:t:tokens:day', ?, 1000)").run(DAY)
  for (const level of ['gateway', 'key:k', 'team:t']) {
    database.prepare('INSERT INTO level_daily VALUES (?, ?, 2, 1000, 100)').run(level, DAY)
  }
  const held = new HeldAmounts(database)
  const sums = () => ({
    ...database.prepare('SELECT tokens, nanos FROM usage_daily').get(),
    levels: database.prepare('SELECT DISTINCT tokens, nanos FROM level_daily').all().map(Object.values),
    counter: database.prepare('SELECT spent FROM counter_sums').get()?.['spent'],
  })
  return { held, sums, settled: () => database.prepare('SELECT tokens FROM ledger WHERE phase = 1').get()?.['tokens'] }
}

suite('what is held for a thing', () => {
  for (const table of ['request', 'attempt'] as const) {
    test(`is taken back once, from the ledger and its sums (${table})`, (t) => {
      const { held, sums, settled } = opened(t, 'reserved', table)
      held.expect('batch', 'r', 0)
      assert.deepEqual(held.release('batch'), {
        keyId: 'k',
        reservedAt: RESERVED_AT,
        tokens: 900,
        nanos: 70,
        charges: CHARGES,
      })
      assert.deepEqual(sums(), AFTER)
      // In PostgreSQL no attempt stands in its request's row.
      if (table === 'attempt' || SQLITE_ONLY.skip === false) assert.equal(settled(), 0)
      assert.equal(held.release('batch'), null)
      assert.deepEqual(sums(), AFTER)
    })
  }

  test('stays when nothing was expected, and waits for its row', (t) => {
    const { held, sums } = opened(t, 'reserved', 'request')
    assert.equal(held.release('batch'), null)
    held.expect('other', 'later', 0)
    assert.equal(held.release('other'), null)
    assert.deepEqual(sums(), BEFORE)
  })

  test('is nothing of what was really used', (t) => {
    const { held, sums } = opened(t, 'reported', 'request')
    held.expect('batch', 'r', 0)
    assert.equal(held.release('batch')?.tokens, 0)
    assert.deepEqual(sums(), BEFORE)
  })
})
