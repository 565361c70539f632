import type {
  Adjustment,
  AuditEntry,
  AuditRow,
  DailyUsage,
  LedgerRow,
  RequestQuery,
  RequestRecord,
  StoredKey,
  UsageByQuery,
  UsageRow,
} from '../../storage/index.ts'
import { type Admin, OWNER } from '../admins.ts'
import type { Actor } from '../audit-entry.ts'
import { ControlError } from '../errors.ts'
import { viewKey } from '../key-view.ts'
import { type LevelView, viewLevel } from '../level-view.ts'
import { makeKey, makeSecret } from '../new-key.ts'
import type {
  AdjustmentRequest,
  ControlPort,
  CounterCheck,
  CreatedKey,
  EnteredAdjustment,
  KeyOwner,
  KeyView,
  NewKey,
  PolicyRequest,
  RevokedKey,
  RouteRequest,
  UsageQuery,
} from '../port.ts'

/** The admin token of a FakeProcess. */
export const ADMIN_TOKEN = 'admin-token-of-the-fake-process'

/** A process that is kept in memory, for tests of what speaks to its control listener. */
export class FakeProcess implements ControlPort {
  reasons: readonly string[] = []
  /** What is thrown by everything that can fail; null when nothing does. */
  fault: Error | null = null
  /** Newest first. */
  records: readonly RequestRecord[] = []
  readonly keys = new Map<string, { key: StoredKey; owner: KeyOwner }>()
  readonly usageQueries: UsageQuery[] = []

  notReady(): readonly string[] {
    return this.reasons
  }

  metricsText(): string {
    return '# TYPE fake gauge\nfake 1\n'
  }

  adminOf(token: string): Admin | null {
    return token === ADMIN_TOKEN ? OWNER : null
  }

  levelsOf(): readonly string[] {
    return []
  }

  /** What a revocation says beside the key. */
  warning: string | null = null

  targets(): object {
    this.#fail()
    return { data: [], models: [] }
  }

  async explainRoute(request: RouteRequest): Promise<object> {
    this.#fail()
    return request
  }

  async explainPolicy(request: PolicyRequest): Promise<object> {
    this.#fail()
    return request
  }

  listKeys(): readonly KeyView[] {
    this.#fail()
    return [...this.keys.values()].map(({ key, owner }) => viewKey(key, owner, () => ({ spent: 3, reserved: 4 })))
  }

  async createKey(request: NewKey, by: Actor): Promise<CreatedKey> {
    this.#fail()
    const { key, secret } = makeKey(request, { pepper: 'a pepper for tests', nowMs: Date.now(), madeBy: by.id })
    if (this.keys.has(key.id)) throw new ControlError('conflict', `There is a key ${key.id} already.`, { param: 'id' })
    this.keys.set(key.id, { key, owner: 'database' })
    return { key: viewKey(key, 'database'), secret }
  }

  async changeKey(...[id, , make]: Parameters<ControlPort['changeKey']>): Promise<KeyView | null> {
    const held = this.keys.get(id)
    if (held === undefined) return null
    const key = { ...held.key, ...(await make(viewKey(held.key, held.owner))) }
    this.keys.set(id, { key, owner: held.owner })
    return viewKey(key, held.owner)
  }

  async revokeKey(id: string): Promise<RevokedKey | null> {
    const held = this.keys.get(id)
    if (held === undefined) return null
    if (held.owner === 'file') throw new ControlError('read_only', `The file owns the key ${id}.`)
    const key = { ...held.key, enabled: false, revoked_at: held.key.revoked_at ?? Date.now() }
    this.keys.set(id, { key, owner: 'database' })
    return { key: viewKey(key, 'database'), warning: this.warning }
  }

  /** When keys were used. */
  readonly uses = new Map<string, number>()

  async lastUses(keyIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    this.#fail()
    return new Map([...this.uses].filter(([id]) => keyIds.includes(id)))
  }

  async rotateKey(id: string, graceMs: number): Promise<CreatedKey | null> {
    const held = this.keys.get(id)
    if (held === undefined) return null
    if (held.owner === 'file') throw new ControlError('read_only', `The file owns the key ${id}.`)
    const { secret, ...made } = makeSecret('a pepper for tests')
    const previous = { previous_hash: held.key.hash, previous_until: Date.now() + graceMs }
    const key = { ...held.key, ...made, ...(graceMs === 0 ? {} : previous) }
    this.keys.set(id, { key, owner: 'database' })
    return { key: viewKey(key, 'database'), secret }
  }

  listLevels(): readonly LevelView[] {
    return []
  }

  levelBudgets(): null {
    return null
  }

  isNamedInFile(): boolean {
    return false
  }

  async putLevel(...[, , , make]: Parameters<ControlPort['putLevel']>): Promise<LevelView> {
    this.#fail()
    return viewLevel(await make(null), 'database')
  }

  async removeLevel(): Promise<null> {
    return null
  }

  /** What was refused. */
  readonly refusals: AuditEntry[] = []

  async noteRefusal(entry: AuditEntry): Promise<void> {
    this.refusals.push(entry)
  }

  async audit(): Promise<readonly AuditRow[]> {
    return []
  }

  async requests({ limit, beforeId, keyId }: RequestQuery): Promise<readonly RequestRecord[]> {
    this.#fail()
    const wanted = ({ id, key_id }: RequestRecord) =>
      (beforeId === undefined || id < beforeId) && (keyId === undefined || key_id === keyId)
    return this.records.filter(wanted).slice(0, limit)
  }

  async request(id: string): Promise<{ record: RequestRecord; ledger: readonly LedgerRow[] } | null> {
    const record = this.records.find((candidate) => candidate.id === id)
    return record === undefined ? null : { record, ledger: [] }
  }

  async usage(query: UsageQuery): Promise<readonly DailyUsage[]> {
    this.usageQueries.push(query)
    return []
  }

  readonly usageByQueries: UsageByQuery[] = []
  usageRows: readonly UsageRow[] = []

  async usageBy(query: UsageByQuery): Promise<readonly UsageRow[]> {
    this.usageByQueries.push(query)
    return this.usageRows.slice(0, query.limit)
  }

  async adjustLedger({ attempt = 1, ...request }: AdjustmentRequest, by: Actor): Promise<EnteredAdjustment> {
    const adjustment = { ...request, attempt, actor: by.id, key_id: null, entered_at: 0, sequence: 1 }
    return { adjustment, isNew: true }
  }

  async adjustments(): Promise<readonly Adjustment[]> {
    return []
  }

  async checkCounters(): Promise<readonly CounterCheck[]> {
    return []
  }

  status(): object {
    return { version: '0.0.0', workers: 1 }
  }

  #fail(): void {
    if (this.fault !== null) throw this.fault
  }
}
