import type { LimitsDocument } from './level-document.ts'

/** A key as the data workers get it: no secret, its limits bound to shared slots. Plain data, sent between threads. */
export interface KeyDocument extends LimitsDocument {
  readonly id: string
  /** `sha256:<hex>`, `hmac-sha256:<hex>` or `blake2b:<hex>`. */
  readonly hash: string
  /** The secret before a rotation, in its grace period. */
  readonly previous: { readonly hash: string; readonly untilMs: number } | null
  readonly enabled: boolean
  /** What rules of routing may ask of it; absent: nothing. */
  readonly tags?: readonly string[]
  /** Milliseconds since the epoch, or null. */
  readonly expiresAt: number | null
  /** Empty means every scope of the data plane. */
  readonly scopes: readonly string[]
  /** Networks that requests may come from; null means all. */
  readonly addresses: readonly string[] | null
  /** Name patterns; null means everything is allowed. */
  readonly modelsAllow: readonly string[] | null
  readonly modelsDeny: readonly string[] | null
  /** Names of the levels above it, from the narrowest to the widest, without that of the gateway. */
  readonly levels: readonly string[]
  /** Names of levels that records have and nobody is charged on; absent: none. */
  readonly namedOnly?: readonly string[]
  /** Slot in the shared key generations, and the generation that this document is of. */
  readonly generationSlot: number
  readonly generation: number
}
