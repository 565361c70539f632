import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { suite, test } from 'node:test'
import { openPostgresContent } from '../postgres/open-content.ts'
import { openTables, SQLITE_ONLY, storeUrl } from '../testing/stores.ts'
import type { ContentStore } from './content-store.ts'
import { openContentFile } from './open-content.ts'

const DAY_MS = 86_400_000
const LIMITS = { ttlMs: DAY_MS, maxBytes: 1_000_000 }
const record = (id: string, parent: string | null = null, text = `text of ${id}`) => {
  return { id, parent, items: [`item_${id}`], text }
}

function opened(t: { after(end: () => void): void }, environment: Record<string, string> = {}) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'content-'))
  const databaseUrl = storeUrl(directory)
  // Whoever writes the ledger has made the tables.
  if (databaseUrl !== null) openTables(directory).close()
  let nowMs = 1_790_000_000_000
  const stores: ContentStore[] = []
  const pass = (ms: number) => {
    nowMs += ms
  }
  const open = (more = environment) => {
    const store =
      databaseUrl === null
        ? openContentFile(directory, more, () => nowMs)
        : openPostgresContent(databaseUrl, directory, more, () => nowMs)
    stores.push(store)
    return store
  }
  t.after(() => {
    for (const store of stores) store.close()
    fs.rmSync(directory, { recursive: true })
  })
  return { directory, open, pass }
}

suite('the store of content', () => {
  test('gives a record with all that it goes on with, the oldest first', (t) => {
    const store = opened(t).open()
    store.keep('k', record('a'), LIMITS)
    store.keep('k', record('b', 'a'), LIMITS)
    store.keep('k', record('c', 'b'), LIMITS)
    assert.deepEqual(store.chain('k', 'c'), ['text of a', 'text of b', 'text of c'])
    assert.deepEqual(store.holders('k', ['item_a', 'item_c', 'item_x']), ['text of a', 'text of c'])
  })

  test('names what goes on with a record that need not be there, the newest first', (t) => {
    const store = opened(t).open()
    store.keep('k', record('a', 'list'), LIMITS)
    store.keep('k', record('b', 'list'), LIMITS)
    store.keep('other', record('c', 'list'), LIMITS)
    assert.deepEqual(store.under('k', 'list'), ['b', 'a'])
    assert.deepEqual(store.under('k', 'nothing'), [])
  })

  test('gives nothing to another key', (t) => {
    const store = opened(t).open()
    store.keep('k', record('a'), LIMITS)
    assert.equal(store.chain('other', 'a'), null)
    assert.deepEqual(store.holders('other', ['item_a']), [])
    assert.equal(store.remove('other', 'a'), false)
    assert.notEqual(store.chain('k', 'a'), null)
  })

  test('forgets what is removed, and what went on with it', (t) => {
    const store = opened(t).open()
    store.keep('k', record('a'), LIMITS)
    store.keep('k', record('b', 'a'), LIMITS)
    assert.equal(store.remove('k', 'a'), true)
    assert.equal(store.remove('k', 'a'), false)
    assert.equal(store.chain('k', 'b'), null)
    assert.deepEqual(store.holders('k', ['item_a']), [])
  })

  test('forgets what is older than its time', (t) => {
    const house = opened(t)
    const store = house.open()
    store.keep('k', record('a'), LIMITS)
    house.pass(DAY_MS)
    assert.equal(store.chain('k', 'a'), null)
    store.keep('k', record('b'), LIMITS)
    assert.equal(store.remove('k', 'a'), false)
  })

  test('lets the oldest go beyond its bound, and takes nothing that is larger than it', (t) => {
    const store = opened(t).open()
    const limits = { ttlMs: DAY_MS, maxBytes: 2_500 }
    for (const id of ['a', 'b', 'c']) store.keep('k', record(id, null, 'x'.repeat(1_000)), limits)
    assert.equal(store.chain('k', 'a'), null)
    assert.notEqual(store.chain('k', 'b'), null)
    assert.equal(store.keep('k', record('d', null, 'x'.repeat(3_000)), limits), false)
    assert.notEqual(store.chain('k', 'c'), null)
  })

  test('keeps across restarts what nobody can read from the disk', SQLITE_ONLY, (t) => {
    const house = opened(t)
    house.open().keep('k', record('a', null, 'a very secret sentence'), LIMITS)
    assert.deepEqual(house.open().chain('k', 'a'), ['a very secret sentence'])
    for (const name of fs.readdirSync(house.directory)) {
      const file = path.join(house.directory, name)
      assert.ok(!fs.readFileSync(file).includes('very secret'), name)
      assert.equal(fs.statSync(file).mode & 0o077, 0, name)
    }
  })

  test('reads nothing with another key', (t) => {
    const house = opened(t, { FERRO_CONTENT_KEY: 'a'.repeat(32) })
    house.open().keep('k', record('a'), LIMITS)
    assert.equal(house.open({ FERRO_CONTENT_KEY: 'b'.repeat(32) }).chain('k', 'a'), null)
    if (storeUrl(house.directory) === null) assert.ok(!fs.existsSync(path.join(house.directory, 'content-key')))
    assert.throws(() => house.open({ FERRO_CONTENT_KEY: 'short' }), /FERRO_CONTENT_KEY/)
  })
})
