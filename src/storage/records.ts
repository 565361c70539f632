/**
 * The request record: one per request, whatever its outcome. It is the line of the access log and a row of `requests`
 * under the same names, and without names (`packRecord`) the payload of its settlement in the journal.
 * Never holds a prompt, an answer, a key or a header value that carries one.
 */
export interface RequestRecord {
  /** Our own id: UUIDv7, lower case, with dashes. Unique. */
  readonly id: string
  /** `x-request-id` of the client, when it sent a well-formed one. Not unique. */
  readonly client_request_id: string | null
  /** W3C trace id (32 hex digits), the client's or ours. */
  readonly trace_id: string
  /** Start of the request, milliseconds since the epoch. */
  readonly time: number
  readonly worker: number
  readonly client_address: string | null
  readonly method: string
  /** Path without the query string, at most 256 characters. */
  readonly path: string
  /** Route name, e.g. `chat.completions`; null when nothing matched. */
  readonly route: string | null
  readonly key_id: string | null
  readonly run_id: string | null
  readonly model_requested: string | null
  /** Upstream's name of the model that served. */
  readonly model_served: string | null
  readonly provider: string | null
  /** Origin of the upstream, e.g. `https://api.example.com`; no path, no credentials. */
  readonly upstream: string | null
  /** Status sent to the client; 499 when the client left before a status was sent. */
  readonly status: number
  readonly outcome: Outcome
  readonly error_code: string | null
  readonly error_source: ErrorSource | null
  /** Number of attempts dispatched upstream (0 when refused before). */
  readonly attempts: number
  readonly stream: boolean
  readonly cancelled: boolean
  /** Microseconds from start to dispatch; null when nothing was dispatched. */
  readonly queue_us: number | null
  /** Microseconds from start to the first byte of the upstream's answer. */
  readonly first_byte_us: number | null
  readonly total_us: number
  readonly bytes_in: number
  readonly bytes_out: number
  /** Disjoint counters: the sum of all tokens is what the provider bills. */
  readonly input_tokens: number
  readonly cache_read_tokens: number
  readonly cache_write_tokens: number
  readonly output_tokens: number
  readonly reasoning_tokens: number
  readonly usage_source: UsageSource
  /** Nano-dollars; null when the model has no price. */
  readonly cost_nanos: number | null
  readonly price_rule: string | null
  /** Written to a cache for an hour; what was written for the vendor's short lifetime is in `cache_write_tokens`. */
  readonly cache_write_1h_tokens: number
  readonly audio_input_tokens: number
  readonly audio_output_tokens: number
  readonly image_input_tokens: number
  readonly image_output_tokens: number
  /** Searches that the vendor bills one by one. */
  readonly web_searches: number
  /** What is not counted in tokens, in the unit of the next field. */
  readonly units: number
  readonly unit: UsageUnit | null
  /** What was lost between two dialects, as `x-ferro-translation` says it; null when nothing was. */
  readonly translation: string | null
  /** What came of each attempt, when there was more than one: `openai/gpt-4o=throttled(429,12ms), …`; else null. */
  readonly attempt_history: string | null
  /** Label of the variant that an A/B test chose; null without one. */
  readonly variant: string | null
  /** Ids of the levels that the key belonged to, as it was then; null: none of the kind. */
  readonly organization: string | null
  readonly team: string | null
  readonly project: string | null
  readonly user: string | null
  /** What budgets did beside charging: thresholds that were passed, and the model that was switched from; null: nothing. */
  readonly budget_events: string | null
  /** The policies that applied, `allow:a,b`, or the one that refused, `deny:a`; null: none applied. */
  readonly policy: string | null
  /** Hash of all policies of the configuration by which that was decided. */
  readonly policy_version: string | null
  /** What the client said: its conversation, who is at the other end, and tags with commas between; null: nothing. */
  readonly session: string | null
  readonly end_user: string | null
  readonly tags: string | null
}

/** Kinds of levels that a request's record names, in the order of its columns. Append only. */
export const RECORD_LEVELS = ['organization', 'team', 'project', 'user'] as const

/** What surfaces without tokens count. */
export type UsageUnit = 'images' | 'seconds' | 'characters' | 'searches'

export type Outcome =
  | 'success'
  | 'refused' // by us: authentication, limits, bad input
  | 'upstream_error'
  | 'timeout'
  | 'cancelled' // the client left
  | 'drained' // cut by shutdown after the grace period
  | 'gateway_error'
  | 'lost' // the process or its worker died; settled at the reserved amount

export type ErrorSource = 'client' | 'upstream' | 'gateway'
/**
 * `reported` by the upstream, `estimated` by us, `reserved` in full after a crash, `none` when nothing was used:
 * nothing was dispatched, or the upstream refused or failed before it answered.
 */
export type UsageSource = 'reported' | 'estimated' | 'reserved' | 'none'

/**
 * Phase of a ledger row: what was reserved; what was charged for it; and of what was charged in advance for something that went on
 * after the request, what was given back since: `release` when that used nothing, `adjust` when what it used was charged to the
 * request that told it. The stored number is the index; append only.
 */
export const LEDGER_PHASES = ['reserve', 'settle', 'release', 'adjust'] as const
export type LedgerPhase = (typeof LEDGER_PHASES)[number]

/** One append-only row of the ledger, unique by (request_id, attempt, phase, sequence). Amounts of `release` and `adjust` are negative. */
export interface LedgerRow {
  readonly request_id: string
  /** 1-based. */
  readonly attempt: number
  readonly phase: LedgerPhase
  /** When the attempt was reserved (ms since the epoch): decides the period that is charged, also for its settlement. */
  readonly reserved_at: number
  readonly key_id: string | null
  readonly provider: string
  readonly model: string
  readonly tokens: number
  /** Nano-dollars; 0 with `price_rule` null means unpriced. */
  readonly nanos: number
  readonly price_rule: string | null
  readonly usage_source: UsageSource
  /** 1 for the first of its phase. */
  readonly sequence: number
  /** When a `release` or `adjust` was made (ms since the epoch); null: in the course of the request. */
  readonly entered_at: number | null
}

/** How fast and how much, on one level; null: no such limit. */
export interface StoredLimits {
  readonly requests_per_second: number | null
  readonly requests_per_minute: number | null
  readonly requests_per_day: number | null
  /** Requests that may come at once, of those per minute; null: as many as per minute. */
  readonly burst: number | null
  readonly tokens_per_minute: number | null
  readonly concurrency: number | null
  readonly budgets: readonly StoredBudget[]
  /** Absent: none. */
  readonly rules?: readonly StoredRule[]
}

/** Limits and budgets that are counted apart for each value of what `by` names. */
export interface StoredRule extends Omit<StoredLimits, 'rules'> {
  readonly by: RuleKind
  /** Patterns of the values that it is for; null: all. */
  readonly only: readonly string[] | null
  readonly when_absent: 'ignore' | 'together' | 'refuse'
  /** Values that have counters at one time. */
  readonly max_counters: number
}

/** What a request says that rules make counters by. */
export type RuleKind =
  | 'model'
  | 'provider'
  | 'address'
  | 'key_tag'
  | 'tag'
  | 'session'
  | 'run'
  | 'end_user'
  | 'user'
  | 'principal'

/** A virtual key as stored: no secret, only its hash. */
export interface StoredKey extends StoredLimits {
  readonly id: string
  readonly name: string
  /** `sha256:<64 hex>`, `blake2b:<128 hex>`, or `hmac-sha256:<64 hex>` (keyed with the pepper of the data directory). */
  readonly hash: string
  /** Hash of the secret before a rotation, and until when it is taken (ms since the epoch); null without one. */
  readonly previous_hash: string | null
  readonly previous_until: number | null
  /** First characters of the secret, for people to recognise it. */
  readonly prefix: string
  readonly enabled: boolean
  /** Milliseconds since the epoch, or null. */
  readonly expires_at: number | null
  readonly created_at: number
  readonly revoked_at: number | null
  /** Empty means every scope of the data plane. */
  readonly scopes: readonly string[]
  readonly models_allow: readonly string[] | null
  readonly models_deny: readonly string[] | null
  /** Networks that requests may come from; null: all. */
  readonly addresses: readonly string[] | null
  readonly tags: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
  /** Levels that the key names; null: none of the kind. */
  readonly organization: string | null
  readonly team: string | null
  readonly project: string | null
  readonly user: string | null
  /** The admin who made it, see AuditEntry; null: nobody knows, or the configuration file. */
  readonly created_by: string | null
}

export interface StoredBudget {
  readonly unit: 'tokens' | 'nanos'
  /** Tokens, or nano-dollars. */
  readonly limit: number
  readonly per: BudgetPeriod
  /** IANA name of the time zone; absent: UTC. */
  readonly time_zone?: string
  /** Percent at which it warns, ascending; absent: it does not. */
  readonly warn_at?: readonly number[]
  /** The model that serves what it does not cover; absent: none. */
  readonly switch_model?: string
}
export type BudgetPeriod = 'day' | 'week' | 'month' | 'total'
