import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import {
  JournalAppender,
  journalDirectory,
  type LedgerReader,
  type LedgerWriter,
  openLedgerReader,
  openLedgerWriter,
} from '../../storage/index.ts'
import { BUDGET_CELLS } from '../budget.ts'
import { Intents, intentRegionCells } from '../intents.ts'
import type { BudgetDocument } from '../level-document.ts'
import type { Estimate, Traffic } from '../traffic.ts'

/** A worker's counters, intents and journal, and the database that is made of it. */
export interface Books {
  readonly counters: BigInt64Array
  readonly region: Float64Array
  readonly intents: Intents
  readonly journal: JournalAppender
  /** What the database says of a request, when all that was written so far is in it. */
  request(id: string): Promise<ReturnType<LedgerReader['request']>>
  /** The same after a start that finds the journal as it is now, with its worker dead. */
  requestAfterRestart(id: string): Promise<ReturnType<LedgerReader['request']>>
}

/** Real books in a directory of their own; all of it ends with the test. */
export function openBooks(t: TestContext, capacity = 64): Books {
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'ferro-governance-'))
  const directory = journalDirectory(dataDir)
  fs.mkdirSync(directory, { recursive: true })
  const region = new Float64Array(new SharedArrayBuffer(8 * intentRegionCells(capacity)))
  const intents = new Intents(region, capacity)
  const journal = new JournalAppender({
    directory,
    startMs: 1_000,
    worker: 0,
    sync: 'interval',
    syncIntervalMs: 5,
    onWritten: () => undefined,
    onReservesWritten: () => intents.clear(),
    onSegment: (sequence) => intents.openSegment(sequence),
  })
  t.after(() => {
    journal.close()
    fs.rmSync(dataDir, { recursive: true, force: true })
  })
  const requestAfter = async (id: string, bringIn: (writer: LedgerWriter) => void) => {
    const options = { dataDir, databaseUrl: null }
    const writer = await openLedgerWriter(options)
    try {
      bringIn(writer)
    } finally {
      writer.close()
    }
    const reader = await openLedgerReader(options)
    try {
      return reader.request(id)
    } finally {
      reader.close()
    }
  }
  return {
    counters: new BigInt64Array(new SharedArrayBuffer(8 * 4 * BUDGET_CELLS)),
    region,
    intents,
    journal,
    request(id) {
      journal.flushNow()
      return requestAfter(id, ingestAll)
    },
    requestAfterRestart: (id) => requestAfter(id, (writer) => void writer.recover(Date.now())),
  }
}

function ingestAll(writer: LedgerWriter): void {
  for (;;) {
    const { error, more } = writer.ingest()
    if (error !== null) throw error
    if (!more) return
  }
}

/** A budget of the key `k` in the slot of this number. */
export function budgetAt(slot: number, unit: 'tokens' | 'nanos', limit: number): BudgetDocument {
  const kept = { level: 'key:k', timeZone: 'UTC' }
  return { ...kept, counter: `key:k:${unit}:total`, slot: slot * BUDGET_CELLS, unit, per: 'total', limit }
}

export const ESTIMATE: Estimate = {
  tokens: 100,
  nanos: 5_000,
  providerJson: '"far"',
  modelJson: '"small"',
  priceRuleJson: '"test"',
}

/** 42 tokens and 1,234 nanos. */
export const TRAFFIC: Traffic = {
  modelRequested: 'small',
  modelServed: 'small',
  provider: 'far',
  upstream: 'http://far',
  inputTokens: 10,
  cacheReadTokens: 3,
  cacheWriteTokens: 4,
  outputTokens: 20,
  reasoningTokens: 5,
  usageSource: 'reported',
  costNanos: 1_234,
  priceRule: 'test',
  series: null,
}

/** The same when nothing was used. */
export const NO_TRAFFIC: Traffic = {
  ...TRAFFIC,
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  usageSource: 'none',
  costNanos: 0,
}
