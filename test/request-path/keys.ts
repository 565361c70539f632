import type { KeyDocument } from '../../src/governance/index.ts'
import { hashKey, type StoredKey } from '../../src/storage/index.ts'

/** A key without limits whose secret is `secret-of-<id>`. */
export function keyOf(id: string, differences: Partial<KeyDocument> = {}): KeyDocument {
  return {
    id,
    hash: hashKey(`secret-of-${id}`),
    previous: null,
    addresses: null,
    enabled: true,
    expiresAt: null,
    scopes: [],
    modelsAllow: null,
    modelsDeny: null,
    rates: [],
    tokenRate: null,
    concurrency: null,
    budgets: [],
    levels: [],
    generationSlot: 0,
    generation: 0,
    ...differences,
  }
}

/** The same key as control and the database have it. */
export function storedKeyOf(id: string, differences: Partial<StoredKey> = {}): StoredKey {
  return {
    id,
    name: id,
    hash: hashKey(`secret-of-${id}`),
    prefix: '',
    enabled: true,
    expires_at: null,
    created_at: 1_000,
    revoked_at: null,
    scopes: [],
    models_allow: null,
    models_deny: null,
    requests_per_second: null,
    requests_per_minute: null,
    requests_per_day: null,
    burst: null,
    tokens_per_minute: null,
    concurrency: null,
    budgets: [],
    previous_hash: null,
    previous_until: null,
    addresses: null,
    tags: [],
    metadata: {},
    organization: null,
    team: null,
    project: null,
    user: null,
    created_by: null,
    ...differences,
  }
}
