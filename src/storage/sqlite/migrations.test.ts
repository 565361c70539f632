import assert from 'node:assert/strict'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { StorageError } from '../errors.ts'
import { packRecord } from '../record-fields.ts'
import { requestId, sampleRecord, temporaryDirectory } from '../testing/samples.ts'
import { databasePath, openDatabase, openDatabaseReadOnly } from './database.ts'
import { firstIdAt, MIGRATIONS, migrate, versionAfter } from './migrations.ts'

test('migrates once and leaves the database durable and in WAL mode', (t) => {
  const file = path.join(temporaryDirectory(t), 'ferro.db')
  openDatabase(file).close()
  const database = openDatabase(file)
  t.after(() => database.close())
  assert.deepEqual(
    database
      .prepare('SELECT version FROM schema_version')
      .all()
      .map((row) => row.version),
    MIGRATIONS.map((_, i) => versionAfter(i + 1)),
  )
  const pragma = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]
  assert.equal(pragma('journal_mode'), 'wal')
  assert.equal(pragma('synchronous'), 2)
  assert.equal(pragma('foreign_keys'), 1)
})

test('C8 a step that fails leaves the steps before it, and is done at the next start', (t) => {
  const database = new DatabaseSync(path.join(temporaryDirectory(t), 'x.db'))
  t.after(() => database.close())
  const good = 'CREATE TABLE a (x)'
  assert.throws(() => migrate(database, 'x.db', [good, 'CREATE TABLE b (x); CREATE TABLE a (y)']), /already exists/)
  const tables = () => database.prepare(`SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`).all()
  assert.deepEqual(
    tables().map((row) => row.name),
    ['a', 'schema_version'],
  )
  migrate(database, 'x.db', [good, 'CREATE TABLE b (x)'])
  assert.deepEqual(
    tables().map((row) => row.name),
    ['a', 'b', 'schema_version'],
  )
})

test('refuses a database that a newer version has used', (t) => {
  const file = path.join(temporaryDirectory(t), 'ferro.db')
  const database = openDatabase(file)
  database.prepare('INSERT INTO schema_version VALUES (?, 0)').run(versionAfter(MIGRATIONS.length + 1))
  database.close()
  assert.throws(
    () => openDatabase(file),
    (error) => error instanceof StorageError && error.code === 'newer_schema' && error.message.includes(file),
  )
  assert.throws(
    () => openDatabaseReadOnly(file),
    { code: 'newer_schema' },
    'nor is it read, where sums would lack what they do not know',
  )
})

test('refuses a database from before the first release, and leaves it as it is', (t) => {
  const file = path.join(temporaryDirectory(t), 'ferro.db')
  const old = new DatabaseSync(file)
  old.exec(`CREATE TABLE schema_version (version INTEGER NOT NULL, applied_at INTEGER NOT NULL);
    INSERT INTO schema_version VALUES (1, 0); CREATE TABLE requests (id TEXT)`)
  old.close()
  for (let i = 0; i < 2; i++) {
    assert.throws(
      () => openDatabase(file),
      (error) => error instanceof StorageError && error.code === 'unknown_format' && error.message.includes(file),
    )
  }
})

test('a URL names a file, relative to the data directory', () => {
  assert.equal(databasePath('/data', null), '/data/ferro.db')
  assert.equal(databasePath('/data', 'sqlite:./ferro.db'), '/data/ferro.db')
  assert.equal(databasePath('/data', 'sqlite:/var/x.db'), '/var/x.db')
  assert.equal(databasePath('/data', 'sqlite:///var/x.db'), '/var/x.db')
  for (const url of ['postgres://user:secret@host/db', 'sqlite::memory:', 'sqlite:', 'x.db', 'sqlite://host/x.db']) {
    assert.throws(
      () => databasePath('/data', url),
      (error) => error instanceof StorageError && error.code === 'bad_url' && !error.message.includes('secret'),
      url,
    )
  }
})

test('ids from an instant on are not below its first id', () => {
  const ms = Date.UTC(2026, 0, 15)
  assert.ok(firstIdAt(ms) <= requestId(0, ms))
  assert.ok(firstIdAt(ms) > requestId(0xffff_ffff, ms - 1))
})

test('rows from before the later counters read as zero, and a settlement names the rule that priced it', (t) => {
  const database = new DatabaseSync(path.join(temporaryDirectory(t), 'x.db'))
  t.after(() => database.close())
  migrate(database, 'x.db', MIGRATIONS.slice(0, 1))
  const [, , fields] = JSON.parse(packRecord(sampleRecord('a', { price_rule: 'dear' }))) as [string, string, unknown[]]
  const insert = database.prepare('INSERT INTO request_rows VALUES (?, ?, ?, ?)')
  const attempt = JSON.stringify([1, 5, 'dev', 'wall', 'small', 100, 50, 'small@1', 32, 12, 'reported'])
  insert.run('a', 'dev', JSON.stringify(fields.slice(0, 33)), attempt)
  migrate(database, 'x.db')
  insert.run('b', 'dev', JSON.stringify(fields.with(33, 7).with(41, 'lossy; dropped=seed')), attempt)
  const rows = database
    .prepare('SELECT cache_write_1h_tokens, units, unit, translation FROM requests ORDER BY id')
    .all()
  assert.deepEqual(
    rows.map((row) => Object.values(row)),
    [
      [0, 0, null, null],
      [7, 0, null, 'lossy; dropped=seed'],
    ],
  )
  const rules = database.prepare("SELECT price_rule FROM ledger WHERE request_id = 'a' ORDER BY phase").all()
  assert.deepEqual(
    rules.map((row) => row.price_rule),
    ['small@1', 'dear'],
  )
})

test('a database from before later entries keeps its ledger and its sums', (t) => {
  const database = new DatabaseSync(path.join(temporaryDirectory(t), 'x.db'))
  t.after(() => database.close())
  const before = MIGRATIONS.findIndex((step) => step.includes('CREATE TABLE later_entries'))
  migrate(database, 'x.db', MIGRATIONS.slice(0, before))
  const attempt = JSON.stringify([1, 5, 'dev', 'wall', 'small', 100, 50, 'small@1', 32, 12, 'reported'])
  database.prepare("INSERT INTO attempt_rows VALUES ('a', 1, ?)").run(attempt)
  database.exec("INSERT INTO usage_daily VALUES (0, 'dev', 'wall', 'small', 1, 32, 12)")
  database.exec("INSERT INTO usage_forgotten VALUES (0, 'dev', 'wall', 'small', '', '', '', '', 2, 64, 24)")
  const ledger = 'SELECT request_id, attempt, phase, reserved_at, tokens, nanos, price_rule, usage_source FROM ledger'
  const read = () => database.prepare(`${ledger} ORDER BY phase`).all().map(Object.values)
  const known = read()
  migrate(database, 'x.db')
  assert.deepEqual(read(), known)
  const sums = (table: string) => {
    return Object.values(
      database.prepare(`SELECT requests, tokens, nanos, adjusted_tokens, adjusted_nanos FROM ${table}`).get() ?? {},
    )
  }
  assert.deepEqual(sums('usage_daily'), [1, 32, 12, 0, 0])
  assert.deepEqual(sums('usage_forgotten'), [2, 64, 24, 0, 0])
})
