import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import { JournalAppender } from './journal/appender.ts'
import { recordText, requestId, reserveText, sampleRecord, settleText } from './testing/samples.ts'
import { LedgerWriter } from './writer.ts'

const isRoot = process.getuid?.() === 0
const options = isRoot ? {} : { skip: 'mounting a small file system needs root' }

/** A data directory in which one sub-directory is a small file system of its own. */
function directoryWithDisk(t: TestContext, disk: string, size: string): string {
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'ferro-disk-'))
  const mountPoint = path.join(dataDir, disk)
  fs.mkdirSync(mountPoint)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', mountPoint], { encoding: 'utf8' })
  t.after(() => {
    spawnSync('umount', ['-l', mountPoint])
    fs.rmSync(dataDir, { recursive: true, force: true })
  })
  assert.equal(mounted.status, 0, mounted.stderr)
  return dataDir
}

test('a journal whose disk fills refuses, forgets nothing, and goes on when there is space', options, async (t) => {
  const dataDir = directoryWithDisk(t, 'journal', '64k')
  const directory = path.join(dataDir, 'journal')
  const writer = LedgerWriter.open({ dataDir, databaseUrl: null })
  t.after(() => writer.close())
  const ballast = path.join(directory, 'ballast')
  const journal = new JournalAppender({
    directory,
    startMs: 1000,
    worker: 0,
    sync: 'interval',
    syncIntervalMs: 5,
    onWritten: () => undefined,
  })
  t.after(() => {
    try {
      journal.close()
    } catch {
      // The disk is still full: the test has failed before.
    }
  })
  const admitted = new Set<string>()
  const refused = new Set<string>()
  const settled = new Set<string>()
  let n = 0
  // Requests go on all the time; each that was admitted settles later.
  const request = async (): Promise<void> => {
    const id = requestId(n++)
    const error = await new Promise<Error | null>((resolve) => {
      journal.reserve(reserveText(id), { journaled: resolve })
    })
    if (error !== null) {
      refused.add(id)
      journal.record(recordText(sampleRecord(id, { status: 503, outcome: 'refused', attempts: 0 })))
      return
    }
    admitted.add(id)
    journal.settle(settleText(id), { settlementWritten: () => void settled.add(id) })
  }
  for (let i = 0; i < 5; i++) await request()
  fs.writeFileSync(ballast, Buffer.alloc(40_000))
  while (refused.size < 20) {
    assert.ok(n < 1000, 'the disk fills')
    await request()
    await turn()
  }
  assert.equal(journal.healthy, false)
  assert.ok(admitted.size >= 5)
  assert.equal(writer.ingest().error, null, 'what is in the journal can be ingested meanwhile')
  fs.rmSync(ballast)
  const deadline = Date.now() + 5000
  while (!journal.healthy || settled.size < admitted.size) {
    assert.ok(Date.now() < deadline, 'recovers within 5 s')
    await pause(5)
  }
  for (let i = 0; i < 5; i++) await request()
  journal.close()
  assert.equal(settled.size, admitted.size)
  assert.equal(writer.recover(Date.now()).lost, 0, 'no refused reservation was found in the journal')
  const database = new DatabaseSync(path.join(dataDir, 'ferro.db'), { readOnly: true })
  t.after(() => database.close())
  const ids = (sql: string) =>
    new Set(
      database
        .prepare(sql)
        .all()
        .map((row) => String(row.id)),
    )
  assert.deepEqual(ids('SELECT request_id AS id FROM ledger WHERE phase = 0'), admitted)
  assert.deepEqual(ids('SELECT request_id AS id FROM ledger WHERE phase = 1'), admitted)
  assert.deepEqual(ids('SELECT id FROM requests'), new Set([...admitted, ...refused]))
})

test('C6 a database whose disk is full keeps the journal and catches up when there is space', options, (t) => {
  const dataDir = directoryWithDisk(t, 'disk', '1m')
  const disk = path.join(dataDir, 'disk')
  const writer = LedgerWriter.open({ dataDir, databaseUrl: 'sqlite:./disk/ferro.db' })
  t.after(() => writer.close())
  const journal = new JournalAppender({
    directory: path.join(dataDir, 'journal'),
    startMs: 1000,
    worker: 0,
    sync: 'interval',
    syncIntervalMs: 5,
    onWritten: () => undefined,
  })
  const ballast = path.join(disk, 'ballast')
  const room = fs.statfsSync(disk)
  fs.writeFileSync(ballast, Buffer.alloc(Math.max(0, room.bavail * room.bsize - 32_768)))
  const waiter = { journaled: () => undefined, settlementWritten: () => undefined }
  for (let i = 0; i < 300; i++) {
    journal.reserve(reserveText(requestId(i)), waiter)
    journal.settle(settleText(requestId(i)), waiter)
  }
  journal.close()
  assert.match(writer.ingest().error?.message ?? '', /full|I\/O/)
  assert.match(writer.ingest().error?.message ?? '', /full|I\/O/)
  fs.rmSync(ballast)
  assert.deepEqual(writer.ingest(), { entries: 600, lost: 0, more: false, error: null })
  const database = new DatabaseSync(path.join(disk, 'ferro.db'), { readOnly: true })
  t.after(() => database.close())
  assert.equal(database.prepare('SELECT count(*) AS n FROM requests').get()?.n, 300)
  assert.equal(database.prepare('SELECT sum(requests) AS n FROM usage_daily').get()?.n, 300)
})
