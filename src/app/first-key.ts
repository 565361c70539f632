import { createKeySecret, hashKeyWithPepper, keyPrefix, type StoredKey } from '../storage/index.ts'
import type { Database } from './database.ts'

/** Creates the key of a first start: everything allowed, no limits. Its secret is in the result and nowhere else. */
export async function firstKey(database: Database, pepper: string): Promise<{ key: StoredKey; secret: string }> {
  const secret = createKeySecret()
  const key: StoredKey = {
    id: 'first',
    name: 'Created at the first start',
    hash: hashKeyWithPepper(secret, pepper),
    prefix: keyPrefix(secret),
    enabled: true,
    expires_at: null,
    created_at: Date.now(),
    revoked_at: null,
    scopes: [],
    models_allow: null,
    models_deny: null,
    requests_per_minute: null,
    burst: null,
    budgets: [],
  }
  await database.createKey(key)
  return { key, secret }
}
