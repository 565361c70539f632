import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import type { SqlDatabase } from '../sql/sql-database.ts'
import type { SharedStore } from '../store.ts'
import { temporaryDirectory } from '../testing/samples.ts'
import { openTables } from '../testing/stores.ts'
import { UsageClaims } from './usage-claims.ts'

const START_MS = 1_790_000_000_000

/** What several programs share, seen by one of them; null where nobody else uses the database. */
function sharedAs(instance: string, database: SqlDatabase): SharedStore | null {
  if (database.dialect === undefined) return null
  const keysSince = () => ({ version: 0, keys: [] })
  const levelsSince = () => ({ version: 0, levels: [] })
  const since = { keysSince, levelsSince, shares: () => [] }
  return { instance, isAlive: () => true, instances: () => 1, ...since, leave: () => undefined }
}

function opened(t: TestContext) {
  const database = openTables(temporaryDirectory(t))
  t.after(() => database.close())
  const claims = new UsageClaims(database, sharedAs('one', database))
  const open = new Set<string>()
  // Ids that are none lie beyond all days.
  const idOf = (name: string) => `request ${name}`
  const isOpen = (id: string) => open.has(id.slice('request '.length))
  let nowMs = START_MS
  let diedMs = 0
  const insert = database.prepare('INSERT INTO attempt_rows VALUES (?, ?, ?)')
  const record = database.prepare('INSERT INTO request_rows VALUES (?, NULL, ?, NULL)')
  return {
    open,
    claim: (requestId: string) => claims.claim('batch a', idOf(requestId), { nowMs, diedMs, isOpen }),
    told: (requestId: string) => claims.told('batch a', idOf(requestId), isOpen),
    /** The request has ended with so many tokens. */
    ends: (requestId: string, tokens: number) => {
      open.delete(requestId)
      insert.run(idOf(requestId), 1, JSON.stringify([1, nowMs, 'k', 'p', 'm', 0, 0, null, tokens, 0, 'reported']))
    },
    refused: (requestId: string) => record.run(idOf(requestId), '[]'),
    pass: (ms: number) => {
      nowMs += ms
    },
    restart: () => {
      diedMs = nowMs
    },
    forget: () => database.exec('DELETE FROM attempt_rows'),
  }
}

suite('who may tell the usage of a thing', () => {
  test('is the first that asks, and nobody while that one looks', (t) => {
    const house = opened(t)
    assert.equal(house.claim('a'), 'yours')
    assert.equal(house.claim('b'), 'held', 'it may be on its way to the journal')
    house.pass(60_000)
    house.open.add('a')
    assert.equal(house.claim('b'), 'held', 'it stands in a journal and has not ended')
  })

  test('is the next one when the last has ended and told nothing', (t) => {
    const house = opened(t)
    house.claim('a')
    house.ends('a', 0)
    assert.equal(house.claim('b'), 'yours')
    house.refused('b')
    assert.equal(house.claim('c'), 'yours')
  })

  test('is nobody when one has told it, even when the ledger has forgotten that', (t) => {
    const house = opened(t)
    house.claim('a')
    house.ends('a', 1_500)
    house.told('a')
    house.forget()
    house.pass(60_000)
    assert.equal(house.claim('b'), 'told')
    assert.equal(house.claim('c'), 'told')
  })

  test('is found in the ledger when the process was killed behind the charge', (t) => {
    const house = opened(t)
    house.claim('a')
    house.ends('a', 1_500)
    assert.equal(house.claim('b'), 'told')
  })

  test('is the next one when the process was killed before the charge', (t) => {
    const house = opened(t)
    house.claim('a')
    house.restart()
    house.pass(1)
    assert.equal(house.claim('b'), 'yours')
    assert.equal(house.claim('c'), 'held')
  })
})
