import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Log } from '../observability/index.ts'
import { PROCESS_CELL } from './memory.ts'
import { Readiness } from './readiness.ts'

function readinessOf() {
  const cells = new Int32Array(new SharedArrayBuffer(64))
  const lines: string[] = []
  const nothing = () => undefined
  const log: Log = {
    debug: nothing,
    info: (message: string) => void lines.push(`info ${message}`),
    warn: nothing,
    error: (message: string) => void lines.push(`error ${message}`),
  } as unknown as Log
  const readiness = new Readiness(cells)
  const database = (databaseError: string | null, journalBytes: number) =>
    readiness.database({ kind: 'writer-state', databaseError, journalBytes }, 1_000, log)
  return { cells, readiness, database, lines }
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

test('a database that refuses is told and stops nothing, a full journal stops what must be settled', () => {
  const { cells, readiness, database, lines } = readinessOf()
  readiness.started()
  readiness.workers(1)
  const state = () => [readiness.databaseAvailable, readiness.reasons, cells[PROCESS_CELL.journalFull]]
  assert.deepEqual(state(), [true, [], 0])
  database('locked', 1_000)
  assert.deepEqual(state(), [false, [], 0])
  database('locked', 1_001)
  assert.deepEqual(state(), [false, ['journal_full'], 1])
  assert.equal(readiness.journalBytes, 1_001)
  database(null, 1_001)
  assert.deepEqual(state(), [true, ['journal_full'], 1])
  database(null, 10)
  assert.deepEqual(state(), [true, [], 0])
  assert.deepEqual(lines, [
    'error the database refuses; requests go on and the journal keeps them',
    'error the journal is larger than its limit; paid requests are refused',
    'info the database takes records again',
    'info the journal is within its limit again; paid requests are taken',
  ])
})

test('a database that refuses for another reason than before is told again', () => {
  const { database, lines } = readinessOf()
  for (const reason of ['locked', 'locked', 'disk full', 'disk full']) database(reason, 0)
  assert.equal(lines.length, 2)
})
