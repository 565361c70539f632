import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { sampleRecord } from '../../../test/request-path/records.ts'
import type { BudgetCharge } from '../journal/format.ts'
import type { RequestRecord } from '../records.ts'

/** A new directory that is removed when the test ends. */
export function temporaryDirectory(t: TestContext): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'ferro-storage-'))
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A request id (UUIDv7) for a number: ids of larger numbers are later. */
export function requestId(n: number, ms = Date.UTC(2026, 0, 15)): string {
  const hex = ms.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`
}

export interface EntryOptions {
  readonly attempt?: number
  readonly tokens?: number
  readonly nanos?: number
  readonly keyId?: string | null
  readonly reservedAt?: number
  readonly record?: RequestRecord | null
}

/** A reservation's entry as JSON: 100 tokens, 50,000 nanos unless told. */
export function reserveText(id: string, options: EntryOptions = {}): string {
  const { attempt = 1, tokens = 100, nanos = 50_000, keyId = 'dev', reservedAt = Date.UTC(2026, 0, 15) } = options
  return JSON.stringify([
    'r',
    id,
    attempt,
    reservedAt,
    keyId,
    'wall',
    'small',
    tokens,
    nanos,
    'small@1',
    charge(tokens),
  ])
}

/** A settlement's entry as JSON: 32 tokens, 12,345 nanos, with a record unless told. */
export function settleText(id: string, options: EntryOptions = {}): string {
  const { attempt = 1, tokens = 32, nanos = 12_345, record = sampleRecord(id) } = options
  return JSON.stringify(['s', id, attempt, tokens, nanos, 'reported', charge(tokens), record])
}

function charge(tokens: number): BudgetCharge[] {
  return [['key:dev:tokens:month', 24_313, tokens]]
}
