import {
  type Actor,
  ControlError,
  type CreatedKey,
  type KeyView,
  makeKey,
  makeSecret,
  type NewKey,
  type RevokedKey,
  viewKey,
} from '../control/index.ts'
import { keyLevel } from '../governance/index.ts'
import type { ChangeableKey, StoredKey } from '../storage/index.ts'
import type { BudgetBackfill } from './budget-backfill.ts'
import { budgetUse } from './budget-use.ts'
import type { Database } from './database.ts'
import { keyEntry } from './key-entry.ts'
import type { KeyRegistry } from './key-registry.ts'
import type { KeyRevocation } from './key-revocation.ts'
import type { NewBudgets } from './new-budgets.ts'
import { notStored } from './not-stored.ts'
import type { OneAtATime } from './one-at-a-time.ts'

export interface KeyChangesOptions {
  readonly keys: KeyRegistry
  readonly counters: BigInt64Array
  readonly database: Pick<Database, 'createKey' | 'changeKey' | 'rotateKey'>
  readonly revocation: KeyRevocation
  readonly backfill: Pick<BudgetBackfill, 'isComplete'>
  readonly newBudgets: NewBudgets
  /** Keeps changes apart from each other, from those of levels, and from reloads. A revocation waits for nobody. */
  readonly turns: OneAtATime
  readonly pepper: string
  /** A key was revoked here: other replicas are told. */
  readonly tell: (revoked: StoredKey) => void
}

/** How keys of the database change while the gateway runs; see ControlPort for what the methods promise. */
export class KeyChanges {
  readonly #options: KeyChangesOptions

  constructor(options: KeyChangesOptions) {
    this.#options = options
  }

  list(): readonly KeyView[] {
    return this.#options.keys.list().map(({ key, owner }) => this.#view(key, owner))
  }

  async create(request: NewKey, by: Actor, mayMake?: (key: StoredKey) => void): Promise<CreatedKey> {
    return await this.#options.turns.run(async () => await this.#create(request, by, mayMake))
  }

  async #create(request: NewKey, by: Actor, mayMake?: (key: StoredKey) => void): Promise<CreatedKey> {
    const { keys, database, newBudgets, pepper } = this.#options
    const { key, secret } = makeKey(request, { pepper, nowMs: Date.now(), madeBy: by.id })
    mayMake?.(key)
    if (keys.find(key.id) !== null) throw conflict(key.id)
    this.#checkPlace(key, 'made')
    await notStored(async () => await newBudgets.learn([key]))
    // Its room first: a key that is stored and has none would keep the gateway from starting.
    const staged = keys.stageDatabaseKey(key)
    try {
      const entry = keyEntry(by, 'key.create', { before: null, after: key })
      await notStored(async () => await database.createKey(key, entry))
    } catch (error) {
      staged.discard()
      throw causedBy(error, 'key_exists') ? conflict(key.id) : error
    }
    staged.apply()
    return { key: this.#view(key, 'database'), secret }
  }

  async change(
    id: string,
    by: Actor,
    make: (before: KeyView) => ChangeableKey | Promise<ChangeableKey>,
  ): Promise<KeyView | null> {
    return await this.#options.turns.run(async () => await this.#change(id, by, make))
  }

  async #change(
    id: string,
    by: Actor,
    make: (before: KeyView) => ChangeableKey | Promise<ChangeableKey>,
  ): Promise<KeyView | null> {
    const { keys, database, newBudgets } = this.#options
    const found = keys.find(id)
    if (found === null) return null
    const before = found.key
    const changed = await make(this.#view(before, found.owner))
    if (found.owner === 'file') throw readOnly(id, 'change it there')
    if (keys.isOffByFile(id)) throw readOnly(id, 'where it is off: take it out there first')
    if (before.revoked_at !== null) throw revoked(id)
    const after: StoredKey = { ...before, ...changed }
    this.#checkPlace(after, 'changed')
    const begins = await notStored(async () => await newBudgets.learn([after]))
    const staged = keys.stageDatabaseKey(after)
    let stored: StoredKey | null
    try {
      const entry = keyEntry(by, 'key.change', { before, after })
      stored = await notStored(async () => await database.changeKey(id, { before, after }, entry))
    } catch (error) {
      staged.discard()
      throw causedBy(error, 'key_changed') ? changedMeanwhile(id) : error
    }
    // It may have been revoked meanwhile, which is for good.
    if (stored === null || keys.find(id)?.key.revoked_at !== null) {
      staged.discard()
      throw revoked(id)
    }
    if (stored.hash === after.hash && stored.previous_hash === after.previous_hash) staged.apply()
    else {
      // Another program on the same database has given it a new secret.
      staged.discard()
      keys.putDatabaseKey(stored)
    }
    if (begins) newBudgets.begin()
    return this.#view(stored, 'database')
  }

  async revoke(id: string, by: Actor): Promise<RevokedKey | null> {
    const { keys, revocation, tell } = this.#options
    const found = keys.find(id)
    if (found === null) return null
    if (found.owner === 'file') throw readOnly(id, 'remove or disable it there')
    const after = { ...found.key, enabled: false, revoked_at: found.key.revoked_at ?? Date.now() }
    const entry = keyEntry(by, 'key.revoke', { before: found.key, after })
    const { key, warning } = await revocation.revoke(found.key, entry)
    tell(key)
    return { key: this.#view(key, 'database'), warning }
  }

  async rotate(id: string, graceMs: number, by: Actor): Promise<CreatedKey | null> {
    return await this.#options.turns.run(async () => await this.#rotate(id, graceMs, by))
  }

  async #rotate(id: string, graceMs: number, by: Actor): Promise<CreatedKey | null> {
    const { keys, database, pepper } = this.#options
    const found = keys.find(id)
    if (found === null) return null
    if (found.owner === 'file') {
      throw readOnly(id, 'put its present hash under `previous` and a new one under `hash` there')
    }
    const { secret, ...made } = makeSecret(pepper)
    const graceUntilMs = graceMs === 0 ? null : Date.now() + graceMs
    const after = { ...found.key, prefix: made.prefix, previous_until: graceUntilMs }
    const entry = keyEntry(by, 'key.rotate', { before: found.key, after })
    const key =
      found.key.revoked_at === null
        ? await notStored(async () => await database.rotateKey(id, { ...made, graceUntilMs }, entry))
        : null
    // It may have been revoked meanwhile, which is for good.
    if (key === null || keys.find(id)?.key.revoked_at !== null) throw revoked(id)
    keys.putDatabaseKey(key)
    return { key: this.#view(key, 'database'), secret }
  }

  #checkPlace(key: StoredKey, what: 'made' | 'changed'): void {
    const problem = this.#options.keys.levels.problemOf(key)
    if (problem === null) return
    const message = `The key cannot be ${what}: ${problem.message}.`
    throw new ControlError('invalid_request', message, { param: problem.field })
  }

  #view(key: StoredKey, owner: KeyView['owner']): KeyView {
    return viewKey(key, owner, (budget) => budgetUse(this.#options, keyLevel(key.id), budget))
  }
}

/** Whether a refusal of the database has this code. */
function causedBy(error: unknown, code: string): boolean {
  const { cause } = error instanceof Error ? error : {}
  return cause instanceof Error && 'code' in cause && cause.code === code
}

function readOnly(id: string, advice: string): ControlError {
  return new ControlError('read_only', `The key "${id}" is in the configuration file; ${advice}.`)
}

function revoked(id: string): ControlError {
  return new ControlError('conflict', `The key "${id}" is revoked; make a new one.`)
}

function changedMeanwhile(id: string): ControlError {
  return new ControlError('conflict', `The key "${id}" was changed meanwhile. Look at it, and change it again.`)
}

function conflict(id: string): ControlError {
  return new ControlError('conflict', `There is a key with the id "${id}" already.`, { param: 'id' })
}
