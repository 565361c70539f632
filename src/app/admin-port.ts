import { hash, timingSafeEqual } from 'node:crypto'
import type { ConfigDocument } from '../config/index.ts'
import {
  type Admin,
  ControlError,
  type ControlPort,
  type CounterCheck,
  type CreatedKey,
  type EnteredAdjustment,
  type KeyOwner,
  type KeyView,
  type LevelView,
  type Membership,
  OWNER,
  type PolicyRequest,
  type RevokedKey,
  type RouteRequest,
  type UsageQuery,
} from '../control/index.ts'
import { GatewayError } from '../core/index.ts'
import { GATEWAY } from '../governance/index.ts'
import type { MetricsCollector } from '../observability/index.ts'
import type {
  Adjustment,
  AdjustmentQuery,
  AuditEntry,
  AuditQuery,
  AuditRow,
  DailyUsage,
  LedgerRow,
  RequestQuery,
  RequestRecord,
  StoredBudget,
  StoredLevelKind,
  UsageByQuery,
  UsageRow,
} from '../storage/index.ts'
import { Admins } from './admins.ts'
import type { BudgetBackfill } from './budget-backfill.ts'
import type { Cluster } from './cluster.ts'
import { checkCounters } from './counter-check.ts'
import type { Database } from './database.ts'
import type { KeyChanges } from './key-changes.ts'
import type { KeyRegistry } from './key-registry.ts'
import type { LedgerAdjustments } from './ledger-adjustments.ts'
import type { LevelChanges } from './level-changes.ts'
import { isNamed } from './level-names.ts'
import { levelRights } from './level-rights.ts'
import type { Readiness } from './readiness.ts'
import type { ShownTargets } from './shown-targets.ts'

export interface AdminPortOptions {
  readonly database: Database
  readonly keys: KeyRegistry
  readonly keyChanges: KeyChanges
  readonly adjustments: LedgerAdjustments
  readonly counters: BigInt64Array
  readonly levels: LevelChanges
  readonly backfill: Pick<BudgetBackfill, 'isComplete'>
  /** Several gateways count together; null: this one is alone. */
  readonly cluster: Pick<Cluster, 'accounts'> | null
  readonly metrics: MetricsCollector
  readonly readiness: Readiness
  readonly adminToken: string
  readonly pepper: string
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
    return this.#options.keyChanges.list()
  }

  async createKey(...args: Parameters<ControlPort['createKey']>): Promise<CreatedKey> {
    return await this.#options.keyChanges.create(...args)
  }

  async changeKey(...args: Parameters<ControlPort['changeKey']>): Promise<KeyView | null> {
    return await this.#options.keyChanges.change(...args)
  }

  async revokeKey(...args: Parameters<ControlPort['revokeKey']>): Promise<RevokedKey | null> {
    return await this.#options.keyChanges.revoke(...args)
  }

  async rotateKey(...args: Parameters<ControlPort['rotateKey']>): Promise<CreatedKey | null> {
    return await this.#options.keyChanges.rotate(...args)
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

  async adjustLedger(...args: Parameters<ControlPort['adjustLedger']>): Promise<EnteredAdjustment> {
    return await this.#options.adjustments.enter(...args)
  }

  async adjustments(query: AdjustmentQuery): Promise<readonly Adjustment[]> {
    return await this.#options.database.adjustments(query)
  }

  async usageBy(query: UsageByQuery): Promise<readonly UsageRow[]> {
    return await this.#options.database.usageBy(query)
  }

  status(): object {
    return this.#options.status()
  }
}
