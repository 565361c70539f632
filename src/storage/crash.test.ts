import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { journalDirectory } from './index.ts'
import { temporaryDirectory } from './testing/samples.ts'
import { LedgerWriter } from './writer.ts'

const worker = new URL('./testing/appending-worker.ts', import.meta.url).pathname

/** Runs a worker that appends as fast as it can and kills it; returns the names that it had been promised. */
async function killedWorker(
  directory: string,
  start: number,
  sync: string,
): Promise<{ reserved: string[]; settled: string[] }> {
  const child = spawn(process.execPath, [worker, directory, `${start}`, sync], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('latin1')
  // The moment of the kill varies with the amount that was heard.
  const enough = 2000 + start * 7919
  child.stdout.on('data', (chunk: string) => {
    output += chunk
    if (output.length > enough) child.kill('SIGKILL')
  })
  await once(child, 'close')
  const lines = output.split('\n').slice(0, -1)
  const named = (letter: string) => lines.filter((line) => line[0] === letter).map((line) => line.slice(1))
  return { reserved: named('r'), settled: named('s') }
}

for (const sync of ['interval', 'always']) {
  test(`kill -9 while a worker appends loses nothing that it was told (sync ${sync})`, async (t) => {
    const dataDir = temporaryDirectory(t)
    fs.mkdirSync(journalDirectory(dataDir), { recursive: true })
    const promised: { reserved: string[]; settled: string[] }[] = []
    for (let start = 1; start <= 4; start++) promised.push(await killedWorker(journalDirectory(dataDir), start, sync))
    const writer = LedgerWriter.open({ dataDir, databaseUrl: null })
    const recovery = writer.recover(Date.now())
    writer.close()
    assert.deepEqual(recovery.damaged, [])
    assert.deepEqual(fs.readdirSync(journalDirectory(dataDir)), [])
    const database = new DatabaseSync(path.join(dataDir, 'ferro.db'), { readOnly: true })
    t.after(() => database.close())
    const rows = database.prepare('SELECT request_id, phase, usage_source FROM ledger').all()
    const reserved = new Set(rows.filter((row) => row.phase === 0).map((row) => row.request_id))
    const settlements = new Map(rows.filter((row) => row.phase === 1).map((row) => [row.request_id, row.usage_source]))
    for (const worker of promised) {
      assert.ok(worker.reserved.length > 0 && worker.settled.length > 0)
      for (const id of worker.reserved) assert.ok(reserved.has(id), `reservation of ${id}`)
      for (const id of worker.settled) assert.equal(settlements.get(id), 'reported', `settlement of ${id}`)
    }
    assert.equal(settlements.size, reserved.size, 'one settlement for each reservation')
    assert.equal(rows.length, reserved.size + settlements.size)
    const lost = [...settlements.values()].filter((source) => source === 'reserved').length
    assert.equal(lost, recovery.lost)
  })
}
