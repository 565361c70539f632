import { makeKey } from '../control/index.ts'
import type { StoredKey } from '../storage/index.ts'
import type { Database } from './database.ts'

/** Creates the key of a first start: everything allowed, no limits. Its secret is in the result and nowhere else. */
export async function firstKey(database: Database, pepper: string): Promise<{ key: StoredKey; secret: string }> {
  const request = {
    id: 'first',
    name: 'Created at the first start',
    scopes: [],
    models: { deny: [] },
    limits: {},
    budgets: [],
    rules: [],
    tags: [],
    metadata: {},
  }
  const made = makeKey(request, { pepper, nowMs: Date.now() })
  await database.createKey(made.key)
  return made
}
