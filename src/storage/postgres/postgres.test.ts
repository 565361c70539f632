import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { storedKeyOf } from '../../../test/request-path/keys.ts'
import { PrivatePostgres } from '../../../test/servers/private-postgres.ts'
import { serverSuite } from '../../../test/servers/servers.ts'
import { StorageError } from '../errors.ts'
import { openLedgerReader } from '../index.ts'
import { openDatabase } from '../sqlite/database.ts'
import { levelOfRow } from '../sqlite/stored-levels.ts'
import { putSegment, segmentBytes } from '../testing/journal-files.ts'
import {
  recordText,
  requestId,
  reserveText,
  sampleEntry,
  sampleRecord,
  settleText,
  temporaryDirectory,
} from '../testing/samples.ts'
import { LedgerWriter } from '../writer.ts'
import { PostgresConnection } from './connection.ts'
import { PostgresDatabase } from './database.ts'
import { MIGRATIONS, migrate } from './migrations.ts'
import { openPostgresReader, openPostgresStore, WRITER } from './open.ts'
import { Partitions } from './partitions.ts'
import { parsePostgresUrl } from './url.ts'

const DAY_MS = 86_400_000
const PASSWORD = 'c0rrect/horse%'
const NEW_WRITER = path.join(import.meta.dirname, '../testing/new-writer.ts')

serverSuite('postgres', 'a PostgreSQL database', () => {
  let server: PrivatePostgres
  let databases = 0
  before(async () => {
    server = await PrivatePostgres.start({ password: PASSWORD, tls: true })
    // Instances of one database have the same secrets.
    process.env.FERRO_PEPPER = 'pepper of the instances of a test'
    process.env.FERRO_CONTENT_KEY = 'content key of the instances of a test'
  })
  after(() => server?.close())

  async function fresh(): Promise<string> {
    const name = `t${++databases}`
    await server.psql(`CREATE DATABASE ${name}`)
    return `${server.url(name)}?sslmode=verify-full&sslrootcert=${server.authorityFile}`
  }

  function open(t: TestContext, databaseUrl: string, dataDir = temporaryDirectory(t)) {
    const writer = LedgerWriter.open({ dataDir, databaseUrl }, openPostgresStore)
    let isOpen = true
    const close = () => {
      if (isOpen) writer.close()
      isOpen = false
    }
    t.after(close)
    return { writer, dataDir, close }
  }

  async function verify(databaseUrl: string, dataDir: string) {
    const reader = await openLedgerReader({ dataDir, databaseUrl })
    try {
      return reader.verify(Date.now())
    } finally {
      reader.close()
    }
  }

  test('C8 is made by three programs that start at once, and their books are one', { timeout: 60_000 }, async (t) => {
    const url = await fresh()
    const folders = [1, 2, 3].map(() => temporaryDirectory(t))
    const made = await Promise.all(
      folders.map(
        async (dataDir, n) => await promisify(execFile)(process.execPath, [NEW_WRITER, dataDir, url, `${n}`]),
      ),
    )
    assert.deepEqual(
      made.map(({ stderr }) => stderr),
      ['', '', ''],
    )
    const report = await verify(url, folders[0] ?? '')
    assert.deepEqual([report.requests, report.attempts, report.differences], [900, 900, []])
    const { writer } = open(t, url, folders[0])
    const asked = {
      counter: 'key:dev:tokens:month',
      period: 24_313,
      level: 'none',
      unit: 'tokens',
      fromMs: 0,
      toMs: 1,
    } as const
    assert.deepEqual(writer.counterSums([asked]), [900 * 32])
    assert.equal(await server.psql('SELECT max(version) - count(*) FROM schema_version', `t${databases}`), '0')
  })

  test('has the tables, views and columns of SQLite, and what several programs need', async (t) => {
    open(t, await fresh()).close()
    const file = openDatabase(path.join(temporaryDirectory(t), 'ferro.db'))
    t.after(() => file.close())
    const ours = file
      .prepare(
        `SELECT m.name || '.' || c.name AS name FROM sqlite_master m JOIN pragma_table_info(m.name) c
         WHERE m.type IN ('table', 'view')`,
      )
      .all()
      .map(({ name }) => String(name))
    const theirs = await server.psql(
      "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public'",
      `t${databases}`,
    )
    const missing = new Set(ours).difference(new Set(theirs.split('\n')))
    assert.deepEqual([...missing], [], 'a step of one schema is a step of the other')
  })

  test('of a newer version is refused, and says what to do', async (t) => {
    const url = await fresh()
    open(t, url).close()
    await server.psql('INSERT INTO schema_version VALUES (99, 0)', `t${databases}`)
    assert.throws(
      () => open(t, url),
      (error) =>
        error instanceof StorageError &&
        error.code === 'newer_schema' &&
        /PostgreSQL at 127\.0\.0\.1:\d+, database t\d+ has schema version 99.*start that version/.test(error.message),
    )
    assert.throws(() => openPostgresReader(url), { code: 'newer_schema' })
  })

  test('that cannot be used says where, why and what to do, and never the password', async (t) => {
    const url = await fresh()
    const plain = server.url(`t${databases}`)
    const closed = `postgres://u:${encodeURIComponent(PASSWORD)}@127.0.0.1:1/db`
    const rows = [
      [closed, /127\.0\.0\.1:1, database db \(user u\) cannot be used: .*ECONNREFUSED.*See that the server runs/],
      [url.replace(/:[^:@]+@/, ':wrong@'), /password authentication failed.*user and the password of storage.url/],
      [url.replace(/\/t\d+\?/, '/absent?'), /"absent" does not exist.*Create it/],
      [plain, /no encryption.*pg_hba/],
      [`${plain}?sslmode=verify-full`, /(?:self.signed|unable to verify|certificate).*See that the server runs/],
    ] as const
    for (const [wrong, message] of rows) {
      assert.throws(
        () => open(t, wrong),
        (error) => {
          assert.ok(error instanceof StorageError, String(error))
          assert.match(error.message, message)
          for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), 'wrong'])
            assert.ok(!error.message.includes(secret))
          return error.code === 'unusable_database'
        },
        wrong,
      )
    }
    assert.equal(open(t, `${plain}?sslmode=require`).writer.ingest().error, null)
  })

  test('is refused to an instance with other secrets', async (t) => {
    const url = await fresh()
    open(t, url).close()
    const { FERRO_PEPPER } = process.env
    process.env.FERRO_PEPPER = 'another pepper than the first one had'
    t.after(() => {
      process.env.FERRO_PEPPER = FERRO_PEPPER
    })
    assert.throws(
      () => open(t, url),
      (error) => error instanceof StorageError && error.code === 'other_secret' && /FERRO_PEPPER/.test(error.message),
    )
  })

  test('that loses every connection in the middle of a batch loses nothing and takes nothing twice', async (t) => {
    const url = await fresh()
    const cut = await cuttable(t, server.port)
    const { writer, dataDir } = open(
      t,
      url.replace(`:${server.port}/`, `:${cut.port}/`).replace('verify-full', 'require'),
    )
    const texts = Array.from({ length: 40 }, (_, n) => {
      const id = requestId(n, Date.UTC(2026, 0, 15) + n)
      return [reserveText(id), settleText(id, { record: sampleRecord(id) })]
    })
    putSegment(dataDir, {}, segmentBytes(texts))
    // A pass is about ten statements: each time the way breaks off a little later.
    let failed = 0
    for (let answers = 0; ; answers++) {
      assert.equal(writer.instances(), 1, 'it is connected again')
      cut.after(answers)
      const { error, entries } = writer.ingest()
      cut.after(-1)
      if (error === null && entries === 0) break
      failed += error === null ? 0 : 1
      assert.ok(answers < 200, 'it comes to an end')
    }
    assert.ok(failed > 3, `${failed} passes were cut`)
    assert.equal(writer.recover(Date.now()).lost, 0)
    const report = await verify(url, dataDir)
    assert.deepEqual([report.requests, report.attempts, report.differences], [40, 40, []])
  })

  test('keeps what one instance has open from the recovery of another', async (t) => {
    const url = await fresh()
    const [one, two] = [open(t, url), open(t, url)]
    putSegment(one.dataDir, { sequence: 1 }, segmentBytes([[reserveText(requestId(1))]]))
    const second = putSegment(one.dataDir, { sequence: 2 }, segmentBytes([]))
    assert.equal(one.writer.ingest().error, null)
    assert.equal(await server.psql('SELECT count(*) FROM open_attempts', `t${databases}`), '1')
    assert.equal(two.writer.recover(Date.now()).lost, 0)
    assert.equal(one.writer.instances(), 2)
    const { writeFileSync } = await import('node:fs')
    writeFileSync(second, segmentBytes([[settleText(requestId(1), { tokens: 7 })]]))
    one.writer.ingest()
    assert.equal(one.writer.recover(Date.now()).lost, 0)
    assert.equal(await server.psql('SELECT tokens FROM ledger WHERE phase = 1', `t${databases}`), '7')
  })

  test('takes texts that it cannot store as they are', async (t) => {
    const url = await fresh()
    const { writer, dataDir } = open(t, url)
    const id = requestId(1)
    const record = sampleRecord(id, { path: '/a\0b\ud800', model_requested: '\u0000' })
    putSegment(dataDir, {}, segmentBytes([[reserveText(id, { keyId: 'k\0' }), settleText(id, { record })]]))
    assert.equal(writer.ingest().error, null)
    assert.equal(await server.psql('SELECT path FROM requests', `t${databases}`), '/a\ufffdb\ufffd')
    assert.deepEqual(
      (await verify(url, dataDir)).differences.filter(({ check }) => check === 'days'),
      [],
    )
  })

  test('drops whole days of old records, keeps their sums, and what another instance may tell again', async (t) => {
    const url = await fresh()
    const [one, two] = [open(t, url), open(t, url)]
    const now = Date.now()
    const request = (n: number, days: number) => {
      const ms = now - days * DAY_MS
      const id = requestId(n, ms)
      return [reserveText(id, { reservedAt: ms }), settleText(id), recordText(sampleRecord(id, { time: ms }))]
    }
    putSegment(one.dataDir, {}, segmentBytes([[9, 8, 7, 1].flatMap((days, n) => request(n, days))]))
    putSegment(two.dataDir, { startMs: now - 8 * DAY_MS }, segmentBytes([request(9, 7)]))
    one.writer.recover(now)
    two.writer.ingest()
    const parts = () =>
      server.psql("SELECT count(*) FROM pg_inherits WHERE inhparent = 'request_rows'::regclass", `t${databases}`)
    assert.equal(await parts(), '5', 'four days, and the one of what is no id')
    while (one.writer.forget(now - 3 * DAY_MS));
    assert.equal(await parts(), '5', 'the journal of the other one begins eight days ago')
    two.writer.recover(now)
    two.close()
    while (one.writer.forget(now - 3 * DAY_MS));
    assert.equal(await parts(), '2')
    const report = await verify(url, one.dataDir)
    assert.deepEqual([report.requests, report.differences], [1, []])
    assert.equal(await server.psql('SELECT sum(requests) FROM usage_daily', `t${databases}`), '5')
  })

  test('from before later entries keeps its ledger and its sums', async (t) => {
    const url = await fresh()
    const database = new PostgresDatabase(new PostgresConnection(parsePostgresUrl(url), WRITER))
    t.after(() => database.close())
    const before = MIGRATIONS.findIndex((step) => step.includes('CREATE TABLE later_entries'))
    migrate(database, 'x', MIGRATIONS.slice(0, before))
    const id = requestId(1)
    const attempt = JSON.stringify([1, 5, 'dev', 'wall', 'small', 100, 50, 'small@1', 32, 12, 'reported'])
    new Partitions(database).makeFor([id])
    database.prepare('INSERT INTO attempt_rows VALUES (?, 1, CAST(? AS JSONB))').run(id, attempt)
    database.exec("INSERT INTO usage_daily VALUES (0, 'dev', 'wall', 'small', 1, 32, 12)")
    const ledger = 'SELECT request_id, attempt, phase, reserved_at, tokens, nanos, price_rule, usage_source FROM ledger'
    const read = () => database.prepare(`${ledger} ORDER BY phase`).all().map(Object.values)
    const known = read()
    migrate(database, 'x')
    assert.deepEqual(read(), known)
    const day = 'SELECT requests, tokens, nanos, adjusted_tokens, adjusted_nanos FROM usage_daily'
    assert.deepEqual(Object.values(database.prepare(day).get() ?? {}), [1, 32, 12, 0, 0])
  })

  test('tells every instance of a key that one has changed', async (t) => {
    const url = await fresh()
    const noticed = Promise.withResolvers<void>()
    const dataDir = temporaryDirectory(t)
    const other = LedgerWriter.open({ dataDir, databaseUrl: url, onKeysChanged: noticed.resolve }, openPostgresStore)
    t.after(() => other.close())
    const { writer } = open(t, url)
    writer.keys.create(storedKeyOf('a'))
    await noticed.promise
    assert.deepEqual(
      other.changedElsewhere().keys.map(({ id, enabled }) => [id, enabled]),
      [['a', true]],
    )
    assert.deepEqual(other.changedElsewhere(), { keys: [], levels: [] })
    writer.keys.revoke('a', 5)
    assert.deepEqual(
      other.changedElsewhere().keys.map(({ id, enabled }) => [id, enabled]),
      [['a', false]],
    )
    writer.administration.putLevel(levelOf(null), sampleEntry())
    assert.deepEqual(other.changedElsewhere().levels, [levelOf(null)])
    writer.administration.putLevel(levelOf(7), sampleEntry())
    assert.deepEqual(other.changedElsewhere(), { keys: [], levels: [levelOf(7)] })
  })
})

const levelOf = (deletedAt: number | null) => levelOfRow({ kind: 'team', id: 'a', fields: '{}', ...times(deletedAt) })
const times = (deletedAt: number | null) => ({ created_at: 5, updated_at: 6, deleted_at: deletedAt })

/** A way to the server that breaks off after so many answers; in a thread of its own, since this one sleeps while it waits. */
async function cuttable(t: TestContext, port: number) {
  const left = new Int32Array(new SharedArrayBuffer(4)).fill(-1)
  const worker = new Worker(new URL('../../../test/servers/cutting-proxy.ts', import.meta.url), {
    workerData: { port, left },
  })
  t.after(() => worker.terminate())
  const [own] = await once(worker, 'message')
  return { port: Number(own), after: (answers: number) => Atomics.store(left, 0, answers) }
}
