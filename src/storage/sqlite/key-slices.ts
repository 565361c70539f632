import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { RecordRow } from '../record-fields.ts'

/** Characters of a request id that name a slice: the time of its UUIDv7 in steps of 256 ms. */
export const SLICE_CHARACTERS = 11

/** The first millisecond of a slice, since the epoch. */
export function sliceStart(slice: string): number {
  return Number.parseInt(`${slice.replace('-', '')}00`, 16)
}

/**
 * In which slices of time a key has requests. An index on every row would cost as much as the row; this is one row for
 * all requests that a key has begun in a quarter second, and the requests within one are few enough to look through.
 */
export class KeySlices {
  readonly #insert: StatementSync
  /** Those of this transaction, by key. */
  readonly #written = new Map<string, Set<string>>()

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare('INSERT OR IGNORE INTO key_slices VALUES (?, ?)')
  }

  add({ id, keyId }: RecordRow): void {
    if (keyId === null) return
    const slice = id.slice(0, SLICE_CHARACTERS)
    let slices = this.#written.get(keyId)
    if (slices === undefined) {
      slices = new Set()
      this.#written.set(keyId, slices)
    } else if (slices.has(slice)) return
    slices.add(slice)
    this.#insert.get(keyId, slice)
  }

  /** The transaction is at its end, or rolled back. */
  forget(): void {
    this.#written.clear()
  }
}
