import {
  type Actor,
  type AdjustmentRequest,
  auditEntry,
  ControlError,
  type EnteredAdjustment,
} from '../control/index.ts'
import { type BudgetPlaces, chargedLevels, countLater, levelsBetween, unitOf } from '../governance/index.ts'
import type {
  Adjusted,
  AdjustmentPlace,
  AuditEntry,
  BudgetCharge,
  LedgerRow,
  LevelCounter,
  NewAdjustment,
  RequestRecord,
} from '../storage/index.ts'
import type { Database } from './database.ts'
import type { KeyRegistry } from './key-registry.ts'
import { notStored } from './not-stored.ts'

/** What of the ledger an adjustment needs: of a gateway's database, or of one whose gateway does not run. */
export interface AdjustableLedger {
  request(id: string): Promise<{ readonly record: RequestRecord; readonly ledger: readonly LedgerRow[] } | null>
  countersOf(levels: readonly string[]): Promise<readonly LevelCounter[]>
  adjust(asked: NewAdjustment, place: AdjustmentPlace, entry: AuditEntry): Promise<Adjusted>
  /** Tags that a key has now; none where there is no such key. */
  keyTags(id: string | null): readonly string[]
}

/**
 * Enters what an operator gives back, or charges more, for a request: in the period of its reservation, on all its levels, in the counters of
 * their budgets, and in every sum of usage. Throws ControlError `not_found` for a request that there is not, and `conflict` for one that is
 * not settled for good, for more than it was charged, and for an id that is another adjustment's.
 */
export async function enterAdjustment(
  ledger: AdjustableLedger,
  { attempt, ...asked }: AdjustmentRequest,
  by: Actor,
): Promise<Adjusted> {
  const found = await ledger.request(asked.request_id)
  if (found === null) {
    throw new ControlError('not_found', 'There is no request with this id in the records.', { param: 'request_id' })
  }
  const settled = found.ledger.findLast(
    (row) => row.phase === 'settle' && (attempt === undefined || row.attempt === attempt),
  )
  if (settled === undefined) {
    const message = `The request has no settled attempt${attempt === undefined ? '' : ` ${attempt}`}: nothing was charged for it.`
    throw new ControlError('conflict', message, { param: attempt === undefined ? 'request_id' : 'attempt' })
  }
  const { record } = found
  const { provider, model, reserved_at: reservedAt } = settled
  const levels = chargedLevels({ record, provider, model, keyTags: ledger.keyTags(record.key_id) })
  const counters = await ledger.countersOf(levels)
  const charges = counters.flatMap((counter): BudgetCharge[] => {
    const unit = unitOf(counter, reservedAt)
    const amount = unit === null ? 0 : asked[unit]
    return amount === 0 ? [] : [[counter.counter, counter.period, amount]]
  })
  const adjustment: NewAdjustment = { ...asked, attempt: settled.attempt, actor: by.id }
  const after = { ...adjustment, actor: undefined }
  const entry = auditEntry(by, { action: 'ledger.adjust', target: `request:${record.id}`, before: null, after })
  return await ledger.adjust(adjustment, { levels: levelsBetween(record), charges }, entry)
}

/** Says what storage refuses in the words of the API. */
export function refusedAdjustment(error: unknown): unknown {
  const cause = error instanceof ControlError ? error.cause : error
  if (!(cause instanceof Error) || !('code' in cause) || typeof cause.code !== 'string') return error
  const param = REFUSALS[cause.code]
  return param === undefined ? error : new ControlError('conflict', cause.message, { param, cause })
}

const REFUSALS: Readonly<Record<string, string>> = {
  adjustment_exists: 'id',
  not_settled: 'request_id',
  too_much: 'usd',
}

export interface LedgerAdjustmentsOptions {
  readonly ledger: AdjustableLedger
  readonly counters: BigInt64Array
  readonly places: BudgetPlaces
}

/** Adjustments while the gateway runs: the counters in memory follow the ledger. */
export class LedgerAdjustments {
  readonly #options: LedgerAdjustmentsOptions
  /** Those that the database has not answered, and that the counters do not have. */
  readonly #unknown = new Map<string, readonly BudgetCharge[]>()

  constructor(options: LedgerAdjustmentsOptions) {
    this.#options = options
  }

  /** See ControlPort. */
  async enter(request: AdjustmentRequest, by: Actor): Promise<EnteredAdjustment> {
    const { ledger } = this.#options
    const told: AdjustableLedger = {
      request: async (id) => await ledger.request(id),
      countersOf: async (levels) => await ledger.countersOf(levels),
      keyTags: (id) => ledger.keyTags(id),
      adjust: async (asked, place, entry) => {
        const adjusted = await this.#asked(asked, place, entry)
        // Of several who ask for the same at once, one finds it.
        const before = this.#unknown.get(asked.id) ?? []
        this.#unknown.delete(asked.id)
        this.#count(adjusted.isNew ? adjusted.charges : before)
        return adjusted
      },
    }
    const { adjustment, isNew } = await enterAdjustment(told, request, by)
    return { adjustment, isNew }
  }

  async #asked(...[asked, place, entry]: Parameters<AdjustableLedger['adjust']>): Promise<Adjusted> {
    try {
      return await this.#options.ledger.adjust(asked, place, entry)
    } catch (error) {
      const refused = refusedAdjustment(error)
      // No answer: the database may have it, which whoever asks again hears.
      if (refused === error) this.#unknown.set(asked.id, place.charges)
      throw refused
    }
  }

  #count(charges: readonly BudgetCharge[]): void {
    const { counters, places } = this.#options
    countLater(counters, places, charges)
  }
}

/** The ledger of a running gateway. */
export function adjustableLedger(database: Database, keys: Pick<KeyRegistry, 'find'>): AdjustableLedger {
  return {
    // What is asked for may have ended a moment ago.
    request: async (id) => {
      const caughtUp = await database.catchUp()
      if (!caughtUp) throw new ControlError('not_stored', 'The database does not take this now, nothing was changed.')
      return await database.request(id)
    },
    countersOf: async (levels) => await database.countersOf(levels),
    adjust: async (...asked) => await notStored(async () => await database.adjust(...asked)),
    keyTags: (id) => (id === null ? [] : (keys.find(id)?.key.tags ?? [])),
  }
}
