import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { openDatabase } from './database.ts'

test('C7 C12 a damaged database is named, with what can be done about it', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'ferro-test-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'ferro.db')
  writeFileSync(file, 'this is no database at all '.repeat(1_000))
  assert.throws(() => openDatabase(file), {
    code: 'damaged_database',
    message: /ferro\.db is damaged: .*not a database.*Restore it from a backup.*move all three away/s,
  })
})

test('a database that cannot be used for another reason is named, with what to look at', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'ferro-test-'))
  t.after(() => rmSync(directory, { recursive: true }))
  mkdirSync(join(directory, 'folder.db'))
  assert.throws(() => openDatabase(join(directory, 'folder.db')), { code: 'unusable_database', message: /folder\.db/ })
  const file = join(directory, 'ferro.db')
  openDatabase(file).close()
  const other = new DatabaseSync(file)
  other.exec('BEGIN EXCLUSIVE')
  assert.throws(() => openDatabase(file), { code: 'unusable_database', message: /locked.*no other program locks it/s })
  other.close()
})
