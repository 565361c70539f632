import type { Candidate, Exchange, Failure } from '../core/index.ts'
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
  /** It finds out what was used already: no budget refuses it, and no rate counts it as asked for now. Absent: no. */
  readonly owed?: true | undefined
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
  /** Null when the target has no price, or not all of it has one. */
  costNanos: number | null
  /** What it costs at least, where not all of it has a price. */
  leastNanos?: number | undefined
  priceRule: string | null
  /** What was lost between two dialects, as the answer's header says it; absent or null: nothing. */
  translation?: string | null | undefined
  /** What came of each attempt, when there was more than one. */
  attemptHistory?: string | null | undefined
  /** Label of an A/B test's variant. */
  variant?: string | null | undefined
  /** Counter of the budget for want of which another model served than was asked for; absent or null: none. */
  switchedBy?: string | null | undefined
  series: RequestSeries | null
  /** What it began goes on: it is charged all that was reserved, until that has ended. Absent: no. */
  held?: true | undefined
}

/** What rules may ask of what a request says in its body, or of where it goes. */
export type SaidInBody = 'model' | 'provider' | 'session' | 'end_user'

/** What governance asks of a surface; units stay abstract here. */
export interface TrafficPort {
  estimate(x: Exchange, candidate: Candidate): Estimate
  /**
   * A smaller estimate of the same attempt than that for which there was no room, counted elsewhere and in bounded time; null: there is
   * none. Absent: never.
   */
  closer?(x: Exchange, candidate: Candidate, than: Estimate): Promise<Estimate | null> | null
  /** What a request says, or the attempt that is about to begin has; null: nothing of the kind. */
  said(x: Exchange, candidate: Candidate, what: SaidInBody): string | null
  /**
   * Has another model serve a request of which nothing was sent, since the budget of this counter does not cover it; false, with nothing
   * changed, when that cannot be.
   */
  switchModel(x: Exchange, to: { readonly model: string; readonly counter: string }): boolean
  /** Final numbers of an ended request, of its last attempt alone; null for a route that carries none. */
  traffic(x: Exchange): Traffic | null
  /**
   * Numbers of an attempt that another one follows, because of this failure or (null) of the status of its answer. They
   * are told once: the next attempt begins at nothing.
   */
  abandon(x: Exchange, failure: Failure | null): Traffic | null
}

/** Counters that nearly every request leaves out. */
const RARE_TOKENS = [
  'cacheWrite1hTokens',
  'audioInputTokens',
  'audioOutputTokens',
  'imageInputTokens',
  'imageOutputTokens',
] as const

/** All tokens of a request, of every class. */
export function totalTokens(traffic: Traffic): number {
  const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens } = traffic
  let sum = inputTokens + cacheReadTokens + cacheWriteTokens + outputTokens + reasoningTokens
  for (const name of RARE_TOKENS) sum += traffic[name] ?? 0
  return sum
}

/** What a request used in all: in the attempts that gave way, and in the last one, of which the names are. */
export function trafficInAll(before: Traffic | null, last: Traffic | null): Traffic | null {
  if (before === null || last === null) return last ?? before
  if (before.usageSource === 'none') return last
  const inAll: Traffic = {
    ...last,
    inputTokens: before.inputTokens + last.inputTokens,
    cacheReadTokens: before.cacheReadTokens + last.cacheReadTokens,
    cacheWriteTokens: before.cacheWriteTokens + last.cacheWriteTokens,
    outputTokens: before.outputTokens + last.outputTokens,
    reasoningTokens: before.reasoningTokens + last.reasoningTokens,
    usageSource: sourceInAll(before.usageSource, last.usageSource),
    costNanos: costInAll(before, last),
    priceRule: ruleInAll(before, last),
  }
  for (const name of [...RARE_TOKENS, 'webSearches'] as const) inAll[name] = sumOf(before[name], last[name])
  // Of two kinds of units only one can be told: the answer's.
  if (last.unit === undefined || last.unit === before.unit) {
    inAll.unit = before.unit
    inAll.units = sumOf(before.units, last.units)
  }
  return inAll
}

/** One attempt whose cost is not known leaves the sum unknown. */
function costInAll(before: Traffic, last: Traffic): number | null {
  if (isUnknown(before) || isUnknown(last)) return null
  return sumOf(before.costNanos, last.costNanos) ?? null
}

/** The rule of the attempt that says why the cost is not known, else that of the last one. */
function ruleInAll(before: Traffic, last: Traffic): string | null {
  if (isUnknown(before) && !isUnknown(last)) return before.priceRule
  return last.priceRule ?? before.priceRule
}

function isUnknown({ costNanos, usageSource }: Traffic): boolean {
  return costNanos === null && usageSource !== 'none'
}

/**
 * What a budget is charged for an attempt. Where not all of it has a price, that is what was reserved for it: a budget is never
 * passed by something that nobody can count.
 */
export function budgetNanos(traffic: Traffic | null, reserved: number | null): number {
  if (traffic === null) return 0
  const { costNanos, leastNanos = 0, usageSource } = traffic
  if (costNanos !== null) return costNanos
  return usageSource === 'none' ? 0 : Math.max(leastNanos, reserved ?? 0)
}

/** Undefined when neither is known. */
function sumOf(before: number | null | undefined, last: number | null | undefined): number | undefined {
  return (before ?? null) === null && (last ?? null) === null ? undefined : (before ?? 0) + (last ?? 0)
}

function sourceInAll(before: UsageSource, last: UsageSource): UsageSource {
  if (last === 'none') return before
  return before === last ? last : 'estimated'
}
