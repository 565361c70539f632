import { auditEntry, encodeKey, GATEWAY_ITSELF, makeKey, viewKey } from '../control/index.ts'
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
  const nowMs = Date.now()
  const made = makeKey(request, { pepper, nowMs, madeBy: GATEWAY_ITSELF.id })
  const after = encodeKey(viewKey(made.key, 'database'), nowMs)
  const change = { action: 'key.create', target: `key:${made.key.id}`, before: null, after }
  await database.createKey(made.key, auditEntry(GATEWAY_ITSELF, change))
  return made
}
