import type { StoredLimits } from './records.ts'

/** Kinds of levels that keys may be in, from the widest to the narrowest. */
export const STORED_LEVEL_KINDS = ['organization', 'team', 'project', 'user'] as const
export type StoredLevelKind = (typeof STORED_LEVEL_KINDS)[number]

/** A level that the admin API has made. */
export interface StoredLevel extends StoredLimits {
  readonly kind: StoredLevelKind
  /** Unique among its kind. */
  readonly id: string
  readonly name: string
  readonly enabled: boolean
  /** Levels that it names as those it belongs to; null: none of the kind. */
  readonly organization: string | null
  readonly team: string | null
  readonly models_allow: readonly string[] | null
  readonly models_deny: readonly string[]
  readonly tags: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
  /** Milliseconds since the epoch. */
  readonly created_at: number
  readonly updated_at: number
  /** When it was removed; null: it is there. What was removed is kept, so that others on the same database learn of it. */
  readonly deleted_at: number | null
}
