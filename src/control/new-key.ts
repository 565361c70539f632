import { randomBytes } from 'node:crypto'
import type { KeyConfig } from '../config/index.ts'
import {
  type ChangeableKey,
  createKeySecret,
  hashKeyWithPepper,
  keyPrefix,
  type StoredKey,
  storedLimits,
} from '../storage/index.ts'
import { writtenLimits } from './new-level.ts'
import type { KeyFields, NewKey } from './port.ts'

/** What a new key is made with. */
export interface NewKeyOptions {
  /** Keys the hash, so that the database alone is of no use to who guesses. */
  readonly pepper: string
  /** Milliseconds since the epoch. */
  readonly nowMs: number
  /** Who makes it. */
  readonly madeBy: string
}

/** Makes a key: its stored form, and the secret, which is in no other place. A key without an id gets a random one. */
export function makeKey(request: NewKey, { pepper, nowMs, madeBy }: NewKeyOptions): { key: StoredKey; secret: string } {
  const { secret, ...made } = makeSecret(pepper)
  const id = request.id ?? `key-${randomBytes(5).toString('hex')}`
  const began = { created_at: nowMs, created_by: madeBy, enabled: true, revoked_at: null }
  return { key: { ...storedFields({ ...request, id }), ...made, ...began }, secret }
}

/** Makes a secret: what is stored of it, and itself, which is in no other place. */
export function makeSecret(pepper: string): Pick<StoredKey, 'hash' | 'prefix'> & { readonly secret: string } {
  const secret = createKeySecret()
  return { secret, hash: hashKeyWithPepper(secret, pepper), prefix: keyPrefix(secret) }
}

/** A key of the configuration file in the stored form. Nobody knows its secret or when it was made. */
export function keyOfFile(config: KeyConfig): StoredKey {
  const unknown = { prefix: '', created_at: 0, created_by: null, revoked_at: null }
  return { ...storedFields(config), ...unknown, hash: config.hash, enabled: config.enabled }
}

/** What a change makes of a key. */
export function changedKey({ enabled, ...fields }: KeyFields): ChangeableKey {
  const { id: _stays, ...changed } = ownFields(fields)
  return { ...changed, enabled }
}

/** A key as somebody would write it: what its schema takes, without its secrets. */
export function writtenKey(key: ChangeableKey & Pick<StoredKey, 'id'>): Record<string, unknown> {
  const { id, name, enabled, scopes, tags, metadata, models_allow: allow, models_deny: deny, expires_at: expires } = key
  const named = { addresses: key.addresses, ...membershipOf(key) }
  return {
    id,
    name,
    enabled,
    scopes,
    tags,
    metadata,
    ...(expires === null ? {} : { expires_at: new Date(expires).toISOString() }),
    ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== null)),
    models: { ...(allow === null ? {} : { allow }), deny: deny ?? [] },
    ...writtenLimits(key),
  }
}

function storedFields(fields: Omit<KeyConfig, 'hash' | 'enabled'>) {
  return {
    previous_hash: fields.previous?.hash ?? null,
    previous_until: fields.previous?.until ?? null,
    ...ownFields(fields),
  }
}

function ownFields(fields: Omit<KeyFields, 'enabled'>) {
  return {
    addresses: fields.addresses ?? null,
    tags: fields.tags,
    metadata: fields.metadata,
    ...storedLimits(fields),
    organization: fields.organization ?? null,
    team: fields.team ?? null,
    project: fields.project ?? null,
    user: fields.user ?? null,
    id: fields.id,
    name: fields.name ?? fields.id,
    expires_at: fields.expires_at ?? null,
    scopes: fields.scopes,
    models_allow: fields.models.allow ?? null,
    models_deny: fields.models.deny,
  }
}

function membershipOf({ organization, team, project, user }: ChangeableKey) {
  return { organization, team, project, user }
}
