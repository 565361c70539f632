import type { TargetFigures } from '../statistics.ts'

/** Where a request would go, and why; plain data. */
export interface RouteExplanation {
  readonly model: string
  readonly strategy: string
  readonly key: string | null
  /** Names of the levels that the key is in, from the narrowest to the widest. */
  readonly levels: readonly string[]
  readonly statistics: 'running' | 'none'
  readonly request: {
    readonly surface: string
    readonly stream: boolean
    readonly input_tokens: number
    readonly output_tokens: number
    readonly media: number
  }
  readonly targets: readonly ExplainedTarget[]
  readonly groups: readonly ExplainedGroup[]
  /** Ids in the order in which they are asked. */
  readonly order: readonly ExplainedPlace[]
  /** The second request where one is slow; null: there is none. */
  readonly hedge: ExplainedHedge | null
  /** A target that some of the requests go to first; null: there is none. */
  readonly canary: ExplainedCanary | null
  /** A target that gets copies of some of the requests; null: there is none. */
  readonly shadow: ExplainedShadow | null
  /** What would follow when the first of the order fails, by the class of the failure. */
  readonly on_failure: readonly ExplainedFailure[]
}

export interface ExplainedHedge {
  /** Milliseconds, or the percentile of the answers of a target. */
  readonly after: { readonly ms: number } | { readonly percentile: number }
  /** Who would be asked beside the first of the order; null: nobody is left. */
  readonly next: string | null
}

export interface ExplainedCanary {
  readonly id: string
  readonly share: number
  /** It stops when more than so many of its last attempts have failed. */
  readonly stop: { readonly errors: number; readonly over: number }
  readonly restart_after_ms: number | null
}

export interface ExplainedShadow {
  readonly id: string
  readonly share: number
  /** Copies on their way at once, over all workers. */
  readonly max_concurrent: number
  readonly charge: 'none' | 'key'
}

export interface ExplainedFailure {
  readonly class: string
  /** Whether the same target may be asked again. */
  readonly again: string
  /** Ids of those that would be asked after it. */
  readonly next: readonly string[]
  /** What is left alone, and for how long where the upstream does not say; null: nothing. */
  readonly rests: { readonly what: string; readonly ms: number } | null
  /** Whether its breaker counts it. */
  readonly breaker: boolean
}

/** A target of the model. */
export interface ExplainedTarget extends TargetFigures {
  readonly id: string
  readonly provider: string
  readonly model: string
  readonly tags: readonly string[]
  /** Why it is not asked; null: it may be. */
  readonly dropped: string | null
  /** What the request would cost, in nano-dollars; null: it has no price. */
  readonly cost_nanos: number | null
}

export interface ExplainedGroup {
  readonly name: string
  readonly strategy: string
  /** The rule that holds; null for none, or for strategies without rules. */
  readonly rule: string | null
  /** In the order that the strategy gave them. */
  readonly members: readonly {
    readonly place: string
    readonly label: string | null
    readonly weight: number
    readonly priority: number
    /** What the strategy made of it, less is better; null for strategies that do not count. */
    readonly score: number | null
  }[]
}

export interface ExplainedPlace {
  readonly id: string
  readonly variant: string | null
  /** False: it is left alone for now, and stands behind all others. */
  readonly ready: boolean
}
