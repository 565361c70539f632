import type { UpstreamHabits } from '../dialects/dialect.ts'
import type { DialectName } from '../dialects/name.ts'
import type { JsonObject } from '../ir/json.ts'
import type { BodyBetas } from '../relay/betas.ts'
import type { ModelTraits } from './provider-row.ts'

/** One way to address a provider's models: a dialect, its path, and what this provider does differently. */
export interface Endpoint {
  readonly dialect: DialectName
  /** Path and query on the provider's host for a model. */
  readonly path: (model: string, stream: boolean) => string
  /** False where the path alone says which model. */
  readonly modelInBody: boolean
  readonly quirks: BodyQuirks | null
  /** Where it differs from the vendor whose dialect it speaks; null: in nothing, or nobody knows. */
  readonly habits: UpstreamHabits | null
  /** What some of its models can say that others of the dialect cannot; absent: all are as their dialect. */
  readonly traits?: readonly ModelTraits[] | undefined
  /** Streams of relays come in frames that hold the dialect's events, and are asked for by the path alone. */
  readonly frames?: boolean | undefined
  /** Betas that go in the body; absent: by their header. */
  readonly betas?: BodyBetas | undefined
  /** Flat; of this endpoint beside the provider's own, e.g. a version. */
  readonly headers: readonly string[]
  /** Headers of the client that go there, in lower case. */
  readonly forwards: ReadonlySet<string>
}

/** Top-level members that a provider spells differently, does not take, or needs. */
export interface BodyQuirks {
  readonly rename?: Readonly<Record<string, string>>
  readonly drop?: readonly string[]
  /** Set when the client says nothing. */
  readonly defaults?: JsonObject
}
