import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Log } from '../observability/index.ts'
import { PROCESS_CELL } from './memory.ts'
import { Readiness } from './readiness.ts'

function readinessOf() {
  const cells = new Int32Array(new SharedArrayBuffer(64))
  const errors: string[] = []
  const nothing = () => undefined
  const log: Log = {
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: (message: string) => void errors.push(message),
  } as unknown as Log
  const readiness = new Readiness(cells)
  const database = (databaseError: string | null, journalBytes: number) =>
    readiness.database({ kind: 'writer-state', databaseError, journalBytes }, 1_000, log)
  return { cells, readiness, database, errors }
}

test('is ready when it has started and a worker listens, and says what is missing', () => {
  const { cells, readiness } = readinessOf()
  assert.deepEqual(readiness.reasons, ['starting', 'no_worker'])
  readiness.started()
  assert.deepEqual(readiness.reasons, ['no_worker'])
  readiness.workers(2)
  assert.deepEqual(readiness.reasons, [])
  assert.equal(cells[PROCESS_CELL.notReady], 0)
  readiness.workers(0)
  assert.deepEqual(readiness.reasons, ['no_worker'])
  readiness.workers(1)
  readiness.draining()
  assert.deepEqual(readiness.reasons, ['draining'])
})

test('a database that refuses is told, and a full journal stops what must be settled until it is smaller', () => {
  const { cells, readiness, database, errors } = readinessOf()
  readiness.started()
  readiness.workers(1)
  const full = () => cells[PROCESS_CELL.journalFull]
  database('locked', 1_000)
  assert.deepEqual([readiness.reasons, full(), errors.length], [['database_unavailable'], 0, 1])
  database('locked', 1_001)
  assert.deepEqual([readiness.reasons, full()], [['journal_full', 'database_unavailable'], 1])
  assert.equal(readiness.journalBytes, 1_001)
  database(null, 10)
  assert.deepEqual([readiness.reasons, full()], [[], 0])
})
