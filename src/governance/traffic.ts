import type { Candidate, Exchange } from '../core/index.ts'
import type { RequestSeries } from '../observability/index.ts'
import type { UsageSource, UsageUnit } from '../storage/index.ts'

/** The most that an attempt may cost, as the surface estimates it before dispatch. */
export interface Estimate {
  readonly tokens: number
  /** Nano-dollars; null when the target has no price. */
  readonly nanos: number | null
  /** JSON texts, prepared when the plan was compiled. */
  readonly providerJson: string
  readonly modelJson: string
  readonly priceRuleJson: string
}

/** What a request carried and what it cost, as its surface knows when it ends. Token counters are disjoint. */
export interface Traffic {
  modelRequested: string | null
  modelServed: string | null
  provider: string | null
  upstream: string | null
  inputTokens: number
  cacheReadTokens: number
  cacheWriteTokens: number
  outputTokens: number
  reasoningTokens: number
  /** Absent: zero, as with nearly every request. */
  cacheWrite1hTokens?: number | undefined
  audioInputTokens?: number | undefined
  audioOutputTokens?: number | undefined
  imageInputTokens?: number | undefined
  imageOutputTokens?: number | undefined
  webSearches?: number | undefined
  /** What is not counted in tokens. */
  units?: number | undefined
  unit?: UsageUnit | undefined
  usageSource: UsageSource
  /** Null when the target has no price. */
  costNanos: number | null
  priceRule: string | null
  /** What was lost between two dialects, as the answer's header says it; absent or null: nothing. */
  translation?: string | null | undefined
  series: RequestSeries | null
}

/** What governance asks of a surface; units stay abstract here. */
export interface TrafficPort {
  estimate(x: Exchange, candidate: Candidate): Estimate
  /** Final numbers of an ended request; null for a route that carries none. */
  traffic(x: Exchange): Traffic | null
}
