import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import type { TestContext } from 'node:test'
import type { LedgerWriter } from '../writer.ts'
import { openStore, queryElsewhere } from './stores.ts'

/** A writer that is closed when the test ends. */
export function openWriter(t: TestContext, dataDir: string): LedgerWriter {
  const writer = openStore(dataDir)
  t.after(() => writer.close())
  return writer
}

/** One pass of ingest; throws what the database refused with. Returns the number of entries. */
export function pass(writer: LedgerWriter): number {
  const result = writer.ingest()
  if (result.error !== null) throw result.error
  return result.entries
}

/** All rows of a query, through a connection of its own. */
export function query(dataDir: string, sql: string): Record<string, unknown>[] {
  return queryElsewhere(dataDir, sql)
}

/** The ledger's rows in order. */
export const ROWS =
  'SELECT request_id, attempt, phase, tokens, nanos, usage_source FROM ledger ORDER BY request_id, attempt, phase'

/** What must hold in any database whose journal is read to its end. */
export function checkInvariants(dataDir: string, label = ''): void {
  const unpaired = query(
    dataDir,
    `SELECT request_id, attempt, count(*) AS n, sum(phase) AS phases FROM ledger WHERE phase <= 1 GROUP BY 1, 2
       HAVING count(*) <> 2 OR sum(phase) <> 1`,
  )
  assert.deepEqual(unpaired, [], `every attempt has one reserve and one settle row ${label}`)
  const missing = query(dataDir, 'SELECT request_id FROM ledger WHERE request_id NOT IN (SELECT id FROM requests)')
  assert.deepEqual(missing, [], `every dispatched request has a record ${label}`)
  const ledger = query(
    dataDir,
    `SELECT reserved_at / 86400000 AS day, coalesce(key_id, '') AS key_id, provider, model,
       count(*) FILTER (WHERE phase = 1) AS requests, sum(tokens) AS tokens, sum(nanos) AS nanos,
       coalesce(sum(tokens) FILTER (WHERE phase > 1), 0) AS adjusted_tokens,
       coalesce(sum(nanos) FILTER (WHERE phase > 1), 0) AS adjusted_nanos
     FROM ledger WHERE phase >= 1 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`,
  )
  const sums = query(dataDir, 'SELECT * FROM usage_daily ORDER BY day, key_id, provider, model')
  assert.deepEqual(sums, ledger, `sums equal the ledger ${label}`)
}

/** The files in the journal of a data directory. */
export function journalFiles(dataDir: string): string[] {
  return fs.readdirSync(path.join(dataDir, 'journal'))
}
