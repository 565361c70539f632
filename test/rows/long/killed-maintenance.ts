/* A row about kills while the gateway tidies up: records that go, a schema that changes, a log that is turned over. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openLedgerReader } from '../../../src/storage/index.ts'
import { MIGRATIONS, migrate, versionAfter } from '../../../src/storage/sqlite/migrations.ts'
import { putSegment, segmentBytes } from '../../../src/storage/testing/journal-files.ts'
import { requestId, reserveText, sampleRecord, settleText } from '../../../src/storage/testing/samples.ts'
import { keyPair } from '../../harness/config.ts'
import { eventually } from '../../harness/eventually.ts'
import { Gateway } from '../../harness/gateway.ts'
import type { JsonObject } from '../../harness/json.ts'

const DAY_MS = 86_400_000
const REQUESTS = 12_000
const KILLS = 8

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'ferro-killed-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const dev = keyPair('dev')
const config = (more: JsonObject = {}): JsonObject => ({
  listen: '127.0.0.1:0',
  control: { listen: '127.0.0.1:0' },
  workers: 1,
  keys: [{ id: dev.id, hash: dev.hash }],
  ...more,
})

/** What the books of a folder say that no gateway uses. */
async function books(dataDir: string) {
  const reader = await openLedgerReader({ dataDir, databaseUrl: null })
  try {
    const { requests, differences } = reader.verify(Date.now())
    const [fromMs, toMs] = [0, Math.ceil(Date.now() / DAY_MS) * DAY_MS]
    const all = { per: 'total', fromMs, toMs, keyId: null, after: null, limit: 1_000 } as const
    const sum = reader.usageBy({ ...all, by: ['end_user'] }).map((row) => [...row.values, row.requests, row.nanos])
    return { requests, differences, sum }
  } finally {
    reader.close()
  }
}

test('C8 a kill while old records go loses no sum and leaves books that agree', { timeout: 300_000 }, async (t) => {
  const dataDir = folderFor(t)
  const begunMs = Math.floor(Date.now() / DAY_MS) * DAY_MS - 9 * DAY_MS
  const entries = Array.from({ length: REQUESTS }, (_, n) => {
    const id = requestId(n + 1, begunMs + n)
    const record = sampleRecord(id, { time: begunMs + n, key_id: dev.id, run_id: `r${n}`, end_user: `u${n % 5}` })
    const options = { keyId: dev.id, reservedAt: begunMs + n }
    return [reserveText(id, options), settleText(id, { keyId: dev.id, record })]
  })
  putSegment(dataDir, { startMs: begunMs }, segmentBytes([entries.flat()]))
  const plain = await Gateway.start({ dataDir, config: config() })
  await plain.close()
  const before = await books(dataDir)
  assert.deepEqual([before.requests, before.differences], [REQUESTS, []])
  let [kills, left] = [0, REQUESTS]
  for (let round = 0; round < 60 && left > 0; round++) {
    const gateway = await Gateway.start({
      dataDir,
      config: config({ storage: { retention_days: 2, usage_rows: 500 } }),
    })
    // The first batch goes a second after the start.
    await delay(kills < KILLS ? 950 + Math.random() * 250 : 3_000)
    await gateway.kill9()
    await gateway.close()
    const now = await books(dataDir)
    assert.deepEqual(now.differences, [])
    assert.deepEqual(now.sum, before.sum)
    if (now.requests < left && now.requests > 0) kills++
    left = now.requests
  }
  assert.equal(left, 0)
  t.diagnostic(`${kills} kills between two batches`)
  assert.ok(kills >= 3)
})

test('C8 a kill while the schema changes leaves whole steps, and the next start does the rest', {
  timeout: 300_000,
}, async (t) => {
  const newest = versionAfter(MIGRATIONS.length)
  const found = new Set<number>()
  for (let round = 0; round < 12; round++) {
    const dataDir = folderFor(t)
    const file = join(dataDir, 'ferro.db')
    const old = new DatabaseSync(file)
    migrate(old, 'ferro.db', MIGRATIONS.slice(0, 6))
    old.exec("INSERT INTO usage_daily VALUES (0, 'dev', 'wall', 'small', 1, 32, 12)")
    const attempt = JSON.stringify([1, 5, 'dev', 'wall', 'small', 100, 50, 'small@1', 32, 12, 'reported'])
    old.prepare("INSERT INTO attempt_rows VALUES ('a', 1, ?)").run(attempt)
    old.close()
    const gateway = Gateway.launch({ dataDir, config: config() })
    const deadline = 80 + Math.random() * 300
    await delay(deadline)
    await gateway.kill9()
    await gateway.close()
    const database = new DatabaseSync(file)
    const version = Number(database.prepare('SELECT max(version) AS v FROM schema_version').get()?.['v'])
    database.close()
    found.add(version)
    const next = await Gateway.start({ dataDir, config: config() })
    await next.close()
    const after = new DatabaseSync(file)
    assert.equal(Number(after.prepare('SELECT max(version) AS v FROM schema_version').get()?.['v']), newest)
    assert.deepEqual(after.prepare('SELECT phase, tokens FROM ledger ORDER BY phase').all().map(Object.values), [
      [0, 100],
      [1, 32],
    ])
    after.close()
  }
  t.diagnostic(`schema versions that were found: ${[...found].sort((a, b) => a - b).join(', ')}`)
})

test('C8 a kill while the access log is turned over leaves lines that are whole', { timeout: 120_000 }, async (t) => {
  const folder = folderFor(t)
  const [log, dataDir] = [join(folder, 'access.log'), join(folder, 'data')]
  let told = 0
  for (let round = 0; round < 5; round++) {
    const gateway = await Gateway.start({ dataDir, config: config({ log: { access: { output: log } } }) })
    let running = true
    const load = Array.from({ length: 8 }, async () => {
      while (running) {
        const headers = { authorization: `Bearer ${dev.secret}` }
        await fetch(`${gateway.url}/v1/models`, { headers }).then(
          async (answer) => await answer.arrayBuffer(),
          () => undefined, // it was killed
        )
      }
    })
    await eventually(() => readFileSync(log, 'utf8').length > 0)
    renameSync(log, join(folder, `access.${round}.log`))
    process.kill(gateway.pid, 'SIGHUP')
    await delay(Math.random() * 60)
    await gateway.kill9()
    running = false
    await Promise.all(load)
    await gateway.close()
    const lines = readFileSync(join(folder, `access.${round}.log`), 'utf8').split('\n')
    assert.equal(lines.pop(), '', 'the last line is whole')
    for (const line of lines) assert.equal(typeof JSON.parse(line), 'object')
    told += lines.length
  }
  assert.ok(told > 50, `${told} lines`)
})
