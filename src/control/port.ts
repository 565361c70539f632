/** What the control listener needs of the process it speaks for; the composition root implements it. */
import type { KeyConfig } from '../config/index.ts'
import type {
  Adjustment,
  AdjustmentQuery,
  AuditEntry,
  AuditQuery,
  AuditRow,
  ChangeableKey,
  DailyUsage,
  LedgerRow,
  NewAdjustment,
  RequestQuery,
  RequestRecord,
  StoredBudget,
  StoredKey,
  StoredLevel,
  StoredLevelKind,
  UsageByQuery,
  UsageRow,
} from '../storage/index.ts'
import type { Admin } from './admins.ts'
import type { Actor } from './audit-entry.ts'
import type { LevelView } from './level-view.ts'

export interface ControlPort {
  /** Names of the reasons why the process is not ready; empty when it is. */
  notReady(): readonly string[]
  /** All metrics as Prometheus text. */
  metricsText(): string
  /** Who has this token; null: nobody. Takes the same time whatever the text is. */
  adminOf(token: string): Admin | null
  /** Names of the levels that a key is in, `team:search`, those above what it names included. */
  levelsOf(key: Membership): readonly string[]
  /** Every key, of the file and of the database, revoked ones too. */
  listKeys(): readonly KeyView[]
  /** When each of these keys was used last (ms since the epoch); those that never were are missing. */
  lastUses(keyIds: readonly string[]): Promise<ReadonlyMap<string, number>>
  /**
   * Resolves when the key is durable and in force; rejects with ControlError `conflict` when the id exists, and with what
   * `mayMake` throws of the key as it would be.
   */
  createKey(request: NewKey, by: Actor, mayMake?: (key: StoredKey) => void): Promise<CreatedKey>
  /**
   * Changes a key of the database into what `make` makes of what it is. Resolves when it is durable and in force in every worker, with
   * null when there is no such key; rejects with what `make` throws, with ControlError `read_only` for a key that the
   * configuration file owns or has switched off, `conflict` for one that is revoked or was changed by somebody else meanwhile, and
   * `invalid_request` for one that names levels which are not there or contradict each other.
   */
  changeKey(
    id: string,
    by: Actor,
    make: (before: KeyView) => ChangeableKey | Promise<ChangeableKey>,
  ): Promise<KeyView | null>
  /**
   * Resolves with the revoked key when no worker takes it any more, with null when there is none; rejects with
   * ControlError `read_only` for a key that the configuration file owns, and with `not_stored` when the revocation would
   * not outlive the process.
   */
  revokeKey(id: string, by: Actor): Promise<RevokedKey | null>
  /**
   * Gives a key a new secret; that of before is taken for `graceMs` more. Resolves when both is durable and in force, with
   * null when there is no such key; rejects with ControlError `read_only` for a key of the file, and with `conflict` for one
   * that is revoked.
   */
  rotateKey(id: string, graceMs: number, by: Actor): Promise<CreatedKey | null>
  /** Every level of a kind that is in force, of the file and of the database. */
  listLevels(kind: StoredLevelKind): readonly LevelView[]
  /** The budgets of a level that is in force, the gateway's too; null when there is none of that name. */
  levelBudgets(name: string): { readonly owner: KeyOwner; readonly budgets: readonly StoredBudget[] } | null
  /** Whether the configuration speaks of a level or a key in its policies or models, be it there or not. */
  isNamedInFile(kind: StoredLevelKind | 'key', id: string): boolean
  /**
   * Makes or changes a level of the database into what `make` makes of what it is, null where it is not there. Resolves when it is
   * durable and in force in every worker; rejects with what `make` throws, with ControlError `read_only` for one that the
   * configuration file owns, `invalid_request` for one that names levels which are not there or contradict each other, and `conflict`
   * where keys or levels in it would lie in two places then. Changes come one after the other.
   */
  putLevel(
    kind: StoredLevelKind,
    id: string,
    by: Actor,
    make: (before: LevelView | null) => StoredLevel | Promise<StoredLevel>,
  ): Promise<LevelView>
  /** The same for its end; null when there is none, ControlError `conflict` when something is in it. */
  removeLevel(kind: StoredLevelKind, id: string, by: Actor): Promise<LevelView | null>
  /** Writes down what was refused; rejects when that cannot be. */
  noteRefusal(entry: AuditEntry): Promise<void>
  /** Lines of the audit log, newest first. */
  audit(query: AuditQuery): Promise<readonly AuditRow[]>
  /** Request records, newest first. */
  requests(query: RequestQuery): Promise<readonly RequestRecord[]>
  /** One request record with its ledger rows, or null. */
  request(id: string): Promise<{ readonly record: RequestRecord; readonly ledger: readonly LedgerRow[] } | null>
  /** Usage by UTC day, key, provider and model. */
  usage(query: UsageQuery): Promise<readonly DailyUsage[]>
  /** What is known of every target of every model: plain data without secrets. */
  targets(): object
  /**
   * Where a request would go, and why: plain data. Rejects with ControlError `not_found` for a key that there is not, and
   * `invalid_request` for a request that would be refused before it comes to a target.
   */
  explainRoute(request: RouteRequest): Promise<object>
  /** What policies say to a request, and why: plain data. Rejects as `explainRoute` does. */
  explainPolicy(request: PolicyRequest): Promise<object>
  /** The counters of budgets in shared memory, held against the ledger. */
  checkCounters(): Promise<readonly CounterCheck[]>
  /**
   * Enters an adjustment: durable and in every sum and counter when it resolves. Rejects with ControlError `not_found` for a request that there
   * is not, and `conflict` for one that is not settled, for more than was charged, and for an id that is another adjustment's.
   */
  adjustLedger(request: AdjustmentRequest, by: Actor): Promise<EnteredAdjustment>
  /** A page of adjustments, newest first. */
  adjustments(query: AdjustmentQuery): Promise<readonly Adjustment[]>
  /** A page of usage by what is asked for. */
  usageBy(query: UsageByQuery): Promise<readonly UsageRow[]>
  /** Version, uptime, workers, plan version, source of the configuration, listeners: plain data without secrets. */
  status(): object
}

/** What is to be entered for a request; `attempt` undefined: its last one. */
export type AdjustmentRequest = Omit<NewAdjustment, 'actor' | 'attempt'> & { readonly attempt: number | undefined }

/** What was entered, now or before. */
export interface EnteredAdjustment {
  readonly adjustment: Adjustment
  readonly isNew: boolean
}

/** What of it is about levels. */
export type LevelPort = Pick<ControlPort, 'levelsOf' | 'listLevels' | 'isNamedInFile' | 'putLevel' | 'removeLevel'>

/** The levels that a key names. */
export type Membership = Pick<StoredKey, 'organization' | 'team' | 'project' | 'user'>

/** A request that is explained and not sent. */
export interface RouteRequest {
  /** Undefined: as the body says. */
  readonly model: string | undefined
  /** Null: a key that may use everything. */
  readonly keyId: string | null
  readonly surface: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: object | null
}

/** A request that policies are asked about. */
export interface PolicyRequest {
  /** Null: one that has no tags and is nowhere. */
  readonly keyId: string | null
  readonly model: string | null
  readonly provider: string | null
  readonly route: string
  readonly address: string
  readonly timeMs: number
  /** The request as a client sends it, or what of it is of interest. */
  readonly body: Readonly<Record<string, unknown>>
}

/** A virtual key as people may see it: without its hashes. */
export interface KeyView extends Omit<StoredKey, 'hash' | 'previous_hash' | 'budgets'> {
  readonly owner: KeyOwner
  readonly budgets: readonly BudgetView[]
}

/** Who may change a key: the configuration file, or the admin API. The other side sees it read-only. */
export type KeyOwner = 'file' | 'database'

/** A budget, and its use in the running period where that is known. */
export interface BudgetView extends StoredBudget {
  readonly use?: BudgetUse | null
}

/** Tokens or nano-dollars, as the budget's unit says. */
export interface BudgetUse {
  readonly spent: number
  readonly reserved: number
}

/** A counter of a budget in the running period as each account has it, in the budget's unit. */
export interface CounterCheck {
  readonly counter: string
  readonly unit: StoredBudget['unit']
  /** What the entries of its level come to; null for values that a rule counts apart, which entries do not name. */
  readonly entries: number | null
  /** What the counter was charged according to the database. */
  readonly sum: number
  /** What shared memory had before and after the database was read; the same while nothing ends. */
  readonly least: number
  readonly most: number
  /** The same counter where several gateways count together; null when that could not be asked, absent without a cluster. */
  readonly shared?: SharedAccount | null
  readonly agrees: boolean
}

/** A counter of several gateways, in the budget's unit: what the store has, and what this gateway has of it. */
export interface SharedAccount {
  /** What all hold together, as one figure, and as the sum of each one's. */
  readonly sum: number
  readonly parts: number
  /** What this gateway has used and reserved, by the store, and by its memory. */
  readonly own: number
  readonly memory: number
  readonly agrees: boolean
}

/** A key that was just made; the secret exists here and nowhere else. */
export interface CreatedKey {
  readonly key: KeyView
  readonly secret: string
}

/** A key that was just revoked. */
export interface RevokedKey {
  readonly key: KeyView
  /** What people should know about it; null when there is nothing. */
  readonly warning: string | null
}

/** What a changed key shall be: the fields of a key in a configuration file, without its secrets. */
export type KeyFields = Omit<KeyConfig, 'hash' | 'previous'>

/** What a new key shall be: the fields of a key in a configuration file, without what the gateway makes itself. */
export type NewKey = Omit<KeyConfig, 'hash' | 'previous' | 'enabled' | 'id'> & { readonly id?: string | undefined }

/** Days (UTC) from that of `fromMs` to that of `toMs`, both included; of one key, or of all. */
export interface UsageQuery {
  readonly fromMs: number
  readonly toMs: number
  readonly keyId: string | null
}
