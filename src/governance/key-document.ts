import type { BudgetPeriod } from '../storage/index.ts'

/** A key as the data workers get it: no secret, its limits bound to shared slots. Plain data, sent between threads. */
export interface KeyDocument {
  readonly id: string
  /** `sha256:<hex>`, `hmac-sha256:<hex>` or `blake2b:<hex>`. */
  readonly hash: string
  /** The secret before a rotation, in its grace period. */
  readonly previous: { readonly hash: string; readonly untilMs: number } | null
  readonly enabled: boolean
  /** Milliseconds since the epoch, or null. */
  readonly expiresAt: number | null
  /** Empty means every scope of the data plane. */
  readonly scopes: readonly string[]
  /** Networks that requests may come from; null means all. */
  readonly addresses: readonly string[] | null
  /** Name patterns; null means everything is allowed. */
  readonly modelsAllow: readonly string[] | null
  readonly modelsDeny: readonly string[] | null
  readonly rate: RateDocument | null
  readonly budgets: readonly BudgetDocument[]
  /** Slot in the shared key generations, and the generation that this document is of. */
  readonly generationSlot: number
  readonly generation: number
}

export interface RateDocument {
  readonly slot: number
  readonly requestsPerMinute: number
  readonly intervalUs: number
  readonly burst: number
}

export interface BudgetDocument {
  /** Name of the shared counter: `key:<id>:<unit>:<per>`; also its name in the journal. */
  readonly counter: string
  readonly slot: number
  readonly unit: 'tokens' | 'nanos'
  readonly per: BudgetPeriod
  readonly limit: number
}

/** Name of a key's budget counter; stable, so that it survives reloads and restarts. */
export function budgetCounter(keyId: string, unit: 'tokens' | 'nanos', per: BudgetPeriod): string {
  return `key:${keyId}:${unit}:${per}`
}
