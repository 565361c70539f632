import { hash, timingSafeEqual } from 'node:crypto'
import type { ConfigDocument } from '../config/index.ts'
import {
  type Actor,
  type Admin,
  ControlError,
  type ControlPort,
  type CounterCheck,
  type CreatedKey,
  type KeyOwner,
  type KeyView,
  type LevelView,
  type Membership,
  makeKey,
  makeSecret,
  type NewKey,
  OWNER,
  type PolicyRequest,
  type RevokedKey,
  type RouteRequest,
  type UsageQuery,
  viewKey,
} from '../control/index.ts'
import { GatewayError } from '../core/index.ts'
import { GATEWAY, keyLevel } from '../governance/index.ts'
import type { MetricsCollector } from '../observability/index.ts'
import type {
  AuditEntry,
  AuditQuery,
  AuditRow,
  DailyUsage,
  LedgerRow,
  RequestQuery,
  RequestRecord,
  StoredBudget,
  StoredKey,
  StoredLevelKind,
  UsageByQuery,
  UsageRow,
} from '../storage/index.ts'
import { Admins } from './admins.ts'
import type { BudgetBackfill } from './budget-backfill.ts'
import { budgetUse } from './budget-use.ts'
import type { Cluster } from './cluster.ts'
import { checkCounters } from './counter-check.ts'
import type { Database } from './database.ts'
import { keyEntry } from './key-entry.ts'
import type { KeyRegistry } from './key-registry.ts'
import type { KeyRevocation } from './key-revocation.ts'
import type { LevelChanges } from './level-changes.ts'
import { isNamed } from './level-names.ts'
import { levelRights } from './level-rights.ts'
import { notStored } from './not-stored.ts'
import type { OneAtATime } from './one-at-a-time.ts'
import type { Readiness } from './readiness.ts'
import type { ShownTargets } from './shown-targets.ts'
import type { AskedBudget } from './spent-before.ts'

export interface AdminPortOptions {
  readonly database: Database
  readonly keys: KeyRegistry
  readonly revocation: KeyRevocation
  /** A key was revoked here: other replicas are told. */
  readonly tell: (revoked: StoredKey) => void
  readonly counters: BigInt64Array
  readonly levels: LevelChanges
  /** Keeps changes of keys apart from those of levels, and from reloads. */
  readonly turns: OneAtATime
  readonly backfill: Pick<BudgetBackfill, 'isComplete'>
  /** Several gateways count together; null: this one is alone. */
  readonly cluster: Pick<Cluster, 'accounts'> | null
  readonly metrics: MetricsCollector
  readonly readiness: Readiness
  readonly adminToken: string
  readonly pepper: string
  /** Asks the database what was spent of budgets that begin. */
  readonly learnSpending: (asked: readonly AskedBudget[]) => Promise<void>
  readonly status: () => object
  readonly document: () => ConfigDocument
  readonly targets: () => ShownTargets
}

/** The running process as the control listener sees it. */
export class AdminPort implements ControlPort {
  readonly #options: AdminPortOptions
  readonly #tokenDigest: Buffer
  #admins: Admins

  constructor(options: AdminPortOptions) {
    this.#options = options
    this.#tokenDigest = hash('sha256', options.adminToken, 'buffer')
    this.#admins = new Admins([], options.pepper)
  }

  notReady(): readonly string[] {
    return this.#options.readiness.reasons
  }

  metricsText(): string {
    return this.#options.metrics.render()
  }

  adminOf(token: string): Admin | null {
    if (timingSafeEqual(hash('sha256', token, 'buffer'), this.#tokenDigest)) return OWNER
    const { admins } = this.#options.document().control
    if (admins !== this.#admins.of) this.#admins = new Admins(admins, this.#options.pepper)
    return this.#admins.find(token, Date.now())
  }

  levelsOf(key: Membership): readonly string[] {
    return this.#options.keys.levels.namesFor(key)
  }

  listKeys(): readonly KeyView[] {
    return this.#options.keys.list().map(({ key, owner }) => this.#view(key, owner))
  }

  async createKey(request: NewKey, by: Actor, mayMake?: (key: StoredKey) => void): Promise<CreatedKey> {
    return await this.#options.turns.run(async () => await this.#createKey(request, by, mayMake))
  }

  async #createKey(request: NewKey, by: Actor, mayMake?: (key: StoredKey) => void): Promise<CreatedKey> {
    const { key, secret } = makeKey(request, { pepper: this.#options.pepper, nowMs: Date.now(), madeBy: by.id })
    mayMake?.(key)
    if (this.#options.keys.find(key.id) !== null) throw conflict(key.id)
    // Its room first: a key that is stored and has none would keep the gateway from starting.
    const problem = this.#options.keys.levels.problemOf(key)
    if (problem !== null) {
      throw new ControlError('invalid_request', `The key cannot be made: ${problem.message}.`, { param: problem.field })
    }
    const { keys } = this.#options
    await notStored(async () => await this.#options.learnSpending(keys.newBudgets([key])))
    const staged = this.#options.keys.stageDatabaseKey(key)
    try {
      const entry = keyEntry(by, 'key.create', { before: null, after: key })
      await notStored(async () => await this.#options.database.createKey(key, entry))
    } catch (error) {
      staged.discard()
      const { cause } = error instanceof Error ? error : {}
      if (cause instanceof Error && 'code' in cause && cause.code === 'key_exists') throw conflict(key.id)
      throw error
    }
    staged.apply()
    return { key: this.#view(key, 'database'), secret }
  }

  async revokeKey(id: string, by: Actor): Promise<RevokedKey | null> {
    const found = this.#options.keys.find(id)
    if (found === null) return null
    if (found.owner === 'file') {
      throw new ControlError('read_only', `The key "${id}" is in the configuration file; remove or disable it there.`)
    }
    const after = { ...found.key, enabled: false, revoked_at: found.key.revoked_at ?? Date.now() }
    const entry = keyEntry(by, 'key.revoke', { before: found.key, after })
    const { key, warning } = await this.#options.revocation.revoke(found.key, entry)
    this.#options.tell(key)
    return { key: this.#view(key, 'database'), warning }
  }

  async rotateKey(id: string, graceMs: number, by: Actor): Promise<CreatedKey | null> {
    const { keys, database, pepper } = this.#options
    const found = keys.find(id)
    if (found === null) return null
    if (found.owner === 'file') {
      throw new ControlError(
        'read_only',
        `The key "${id}" is in the configuration file; put its present hash under \`previous\` and a new one under \`hash\` there.`,
      )
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
    if (key === null || keys.find(id)?.key.revoked_at !== null)
      throw new ControlError('conflict', `The key "${id}" is revoked; make a new one.`)
    keys.putDatabaseKey(key)
    return { key: this.#view(key, 'database'), secret }
  }

  listLevels(kind: StoredLevelKind): readonly LevelView[] {
    return this.#options.levels.list(kind)
  }

  levelBudgets(name: string): { readonly owner: KeyOwner; readonly budgets: readonly StoredBudget[] } | null {
    const { keys } = this.#options
    const budgets = keys.budgetsOf(name)
    if (budgets === null) return null
    return { owner: name === GATEWAY || keys.levels.isOfFile(name) ? 'file' : 'database', budgets }
  }

  isNamedInFile(kind: StoredLevelKind | 'key', id: string): boolean {
    return isNamed(this.#options.document(), kind, id)
  }

  async putLevel(...args: Parameters<ControlPort['putLevel']>): Promise<LevelView> {
    return await this.#options.levels.put(...args)
  }

  async removeLevel(...args: Parameters<ControlPort['removeLevel']>): Promise<LevelView | null> {
    return await this.#options.levels.remove(...args)
  }

  async noteRefusal(entry: AuditEntry): Promise<void> {
    await this.#options.database.noteRefusal(entry)
  }

  async audit(query: AuditQuery): Promise<readonly AuditRow[]> {
    return await this.#options.database.audit(query)
  }

  async lastUses(keyIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return await this.#options.database.lastUses(keyIds)
  }

  async requests(query: RequestQuery): Promise<readonly RequestRecord[]> {
    return await this.#options.database.requests(query)
  }

  async request(id: string): Promise<{ readonly record: RequestRecord; readonly ledger: readonly LedgerRow[] } | null> {
    return await this.#options.database.request(id)
  }

  async usage({ fromMs, toMs, keyId }: UsageQuery): Promise<readonly DailyUsage[]> {
    return await this.#options.database.usage(fromMs, toMs, keyId)
  }

  targets(): object {
    return this.#options.targets()
  }

  async explainRoute({ model, keyId, surface, headers, body }: RouteRequest): Promise<object> {
    const found = keyId === null ? null : this.#options.keys.find(keyId)
    if (keyId !== null && found === null) {
      throw new ControlError('not_found', 'There is no key with this id.', { param: 'key_id' })
    }
    const key =
      found === null
        ? null
        : {
            id: found.key.id,
            allow: found.key.models_allow,
            deny: found.key.models_deny ?? [],
            tags: found.key.tags,
          }
    const { data } = this.#options.targets()
    const figures = Object.fromEntries(data.map((target) => [target.id, target]))
    // What serves models is loaded into this thread when somebody asks, and not before.
    const { explainRoute } = await import('../ai/index.ts')
    try {
      const bytes = body === null ? null : Buffer.from(JSON.stringify(body))
      const document = this.#options.document()
      const about = { document, environment: process.env, figures }
      const levels = levelRights(this.#options.keys.levels, found?.key ?? null)
      return await explainRoute({ ...about, levels, surface, model, key, headers, body: bytes })
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      throw new ControlError('invalid_request', error.message, error.param === null ? {} : { param: error.param })
    }
  }

  async explainPolicy({ keyId, model, provider, body, ...place }: PolicyRequest): Promise<object> {
    const { keys, document } = this.#options
    const found = keyId === null ? null : keys.find(keyId)
    if (keyId !== null && found === null) {
      throw new ControlError('not_found', 'There is no key with this id.', { param: 'key_id' })
    }
    const key =
      found === null ? null : { id: found.key.id, tags: found.key.tags, levels: keys.levels.namesFor(found.key) }
    // As with routes: loaded when somebody asks.
    const { explainPolicy } = await import('../ai/index.ts')
    const about = { document: document(), environment: process.env }
    try {
      return await explainPolicy({ ...about, key, model, provider, place, body })
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      throw new ControlError('invalid_request', error.message, error.param === null ? {} : { param: error.param })
    }
  }

  async checkCounters(): Promise<readonly CounterCheck[]> {
    return await checkCounters(this.#options)
  }

  async usageBy(query: UsageByQuery): Promise<readonly UsageRow[]> {
    return await this.#options.database.usageBy(query)
  }

  status(): object {
    return this.#options.status()
  }

  #view(key: StoredKey, owner: KeyOwner): KeyView {
    return viewKey(key, owner, (budget) => budgetUse(this.#options, keyLevel(key.id), budget))
  }
}

function conflict(id: string): ControlError {
  return new ControlError('conflict', `There is a key with the id "${id}" already.`, { param: 'id' })
}
