import type { KeyAnswer } from '../control/index.ts'
import { AdminKeyStore } from './admin-key-store.ts'
import type { DataLocation } from './data-location.ts'
import { DatabaseKeyStore } from './database-key-store.ts'
import { openData } from './open-data.ts'

/** The keys of one data directory, through its gateway or without one. Methods throw Failure for what a person can mend. */
export interface KeyStore {
  /** True when a running gateway does the work: what is changed is in force at once. */
  readonly live: boolean
  list(): Promise<readonly KeyAnswer[]>
  /** Makes a key; takes what `POST /admin/v1/api-keys` takes. */
  create(request: object): Promise<{ readonly key: KeyAnswer; readonly secret: string }>
  /** Changes a key; takes what `PATCH /admin/v1/api-keys/{id}` takes. Null when there is no such key. */
  change(id: string, patch: object): Promise<KeyAnswer | null>
  /** Revokes a key; null when there is none. */
  revoke(id: string): Promise<{ readonly key: KeyAnswer; readonly warning: string | null } | null>
  /** Gives a key a new secret; takes what `POST /admin/v1/api-keys/{id}/rotate` takes. Null when there is no such key. */
  rotate(id: string, request: object): Promise<{ readonly key: KeyAnswer; readonly secret: string } | null>
  close(): void
}

/** Opens the keys of a data directory, see `openData`. */
export async function openKeyStore(location: DataLocation, missing: 'create' | 'refuse'): Promise<KeyStore> {
  const opened = await openData(location, missing)
  return 'admin' in opened ? new AdminKeyStore(opened.admin) : new DatabaseKeyStore(opened.writer, location)
}
