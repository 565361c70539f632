/**
 * Which target serves a request, decided before the first attempt.
 *
 *   group ─► filter (enabled, capability, key) ─► strategy of each group ─► order ─► those that rest go last ─► attempts
 *
 * A **group** is a strategy over members; a member is a **target** (one model of one provider, with one credential) or a
 * group again. A strategy is a pure function: the same facts, statistics and random numbers give the same order. What is
 * known of targets comes from `TargetStatistics`, which all workers share; `attempts.ts` walks the order and teaches them.
 *
 * Times are milliseconds of the clock that all threads share (`monotonicUs() / 1000`), given by the caller.
 */
import type { Timeouts } from '../../core/index.ts'
import type { GlobSet } from '../../lib/index.ts'
import type { ModelTarget } from '../models/target.ts'
import type { Draft } from './draft.ts'
import type { TargetMemory } from './state/target-memory.ts'
import type { Rule } from './strategies/rules.ts'

/** When a target is left alone; null switches a trigger off. */
export interface BreakerSettings {
  readonly consecutiveFailures: number | null
  readonly failureShare: { readonly share: number; readonly minimumVolume: number } | null
  readonly windowMs: number
  readonly openMs: number
  readonly probes: number
}

/** How often one request may try. */
export interface RetrySettings {
  /** Attempts at this target, the first included. */
  readonly attemptsPerTarget: number
}

/** How many requests a target has at a time, over all workers, and how many wait for a place. */
export interface ConcurrencySettings {
  readonly max: number
  readonly queue: number
  readonly waitMs: number
}

/** Where it is kept what is learned of names that no entry of the configuration has: clients make them up, without end. */
export interface SharedMemory {
  /** Names the memory: `provider/*`, with `#credential` where there are several. */
  readonly name: string
  /** Which of its places, and of how many; other names may have the same one. */
  readonly place: number
  readonly places: number
  /** By which its rests are told from those of other names at the same place. */
  readonly tag: number
}

/** Answers are timed by what clients wait for: the first words of a stream, or all of a whole answer. */
export type AnswerKind = 'stream' | 'whole'

/** One model of one provider with one credential, as one entry of the configuration names it. */
export interface RoutingTarget {
  /**
   * Names what is learned of it, over reloads: `provider/model`, with `#credential` where there are several; `provider/*17` for
   * those whose place among the nameless is the 17th.
   */
  readonly id: string
  /** Null: it has a memory of its own. */
  readonly shared: SharedMemory | null
  readonly target: ModelTarget
  /** Names what is learned of its credential: `provider`, or `provider#credential`. */
  readonly credentialId: string
  /** What conditions and people know it by, e.g. a region. */
  readonly tags: ReadonlySet<string>
  readonly enabled: boolean
  /** Names of keys and levels (`team:search`) that alone may be served by it; null: all may. */
  readonly keptFor: GlobSet | null
  readonly retry: RetrySettings
  /** Null: it has none. */
  readonly breaker: BreakerSettings | null
  readonly timeouts: Timeouts
  /** Null: any number of requests at a time. */
  readonly concurrency: ConcurrencySettings | null
  /** False: it gives whole answers only. */
  readonly streams: boolean
  readonly recall: TargetRecall
}

/** Where the memory of a target is found without a search, which would be made for every target of every request. */
export interface TargetRecall {
  /** Whose memory it is. */
  of: TargetStatistics | null
  memory: TargetMemory | null
}

/** What a strategy knows of a member of its group. */
export interface RoutingMember {
  /** Where it stands in the configuration, for people: `models.fast.targets[0]`. */
  readonly place: string
  /** Share of the requests relative to its siblings; 0: only when all others failed. */
  readonly weight: number
  /** Lower is asked first. */
  readonly priority: number
  /** Of an `ab-test`. */
  readonly label: string | null
  /** Breaks ties, the same whatever the order of the list: by priority, weight and name. */
  readonly rank: number
  /** For hashing; the same over reloads and machines. */
  readonly hash: number
  /** Position in the `targets` of the outermost group, or -1 for a group. */
  readonly position: number
  /** Exactly one of the two is there. */
  readonly target: RoutingTarget | null
  readonly group: RoutingGroup | null
}

export type StrategyName =
  | 'single'
  | 'fallback'
  | 'weighted'
  | 'least-latency'
  | 'lowest-cost'
  | 'balanced'
  | 'conditional'
  | 'content'
  | 'ab-test'
  | 'sticky'

/** A strategy over members. */
export interface RoutingGroup {
  /** The model as clients call it; `fast/targets[1]` for a group within it. */
  readonly name: string
  readonly strategyName: StrategyName
  readonly strategy: Strategy
  readonly members: readonly RoutingMember[]
  /** Every target beneath, each once; positions of an order are positions here. The same list for groups within. */
  readonly targets: readonly RoutingTarget[]
  /** Of `conditional` and `content`, for people; else null. */
  readonly rules: readonly Rule[] | null
  readonly limits: GroupLimits
  /** Memory of this thread that is used while an order is made. */
  readonly draft: Draft
}

/** What holds for a request to a logical model, whatever target serves it. */
export interface GroupLimits {
  /** Attempts over all targets, the first included. */
  readonly attempts: number
  /** Time from the first dispatch within which another attempt may begin. */
  readonly withinMs: number
  /** Upper end of the first wait, doubled each time; the longest. A longer `Retry-After` is not waited for. */
  readonly backoff: { readonly baseMs: number; readonly maxMs: number }
  /** Whether a refusal of the content moves on to another target. */
  readonly onRefusal: 'stop' | 'next'
}

/** Puts the members of the draft in order, best first; leaves out those that must not be asked. */
export type Strategy = (draft: Draft, context: RoutingContext) => void

/** All that a strategy may look at beside its members. */
export interface RoutingContext {
  readonly facts: RequestFacts
  readonly statistics: TargetStatistics
  /** From 0 up to, but not including, 1. */
  readonly random: () => number
  readonly nowMs: number
  /** Since the epoch, for prices that change. */
  readonly wallMs: number
}

/** What is known of targets from earlier requests. */
export interface TargetStatistics {
  /** Median of how long recent answers of this kind took; NaN before the first. */
  firstByteMs(target: RoutingTarget, kind: AnswerKind): number
  /** Share of failures among recent attempts, 0 to 1; 0 where nothing is known. What is not asked is forgiven with time. */
  failureShare(target: RoutingTarget, nowMs: number): number
  /** Requests that it works on now. */
  inFlight(target: RoutingTarget): number
  /** How long the target or its credential still rests; 0: it does not. */
  restsMs(target: RoutingTarget, nowMs: number): number
  /** How long it must not be asked: its server said so, or its breaker refuses; 0: it may, though it may rest. */
  refusesMs(target: RoutingTarget, nowMs: number): number
  /** How long its breaker still refuses; 0: it does not. */
  opensInMs(target: RoutingTarget, nowMs: number): number
  /** Whether it must not be asked since it was asked too much, and for no other reason. */
  isThrottled(target: RoutingTarget, nowMs: number): boolean
}

/** What keeps requests together, for `sticky` and `ab-test`. */
export type StickySource =
  | { readonly kind: 'key' | 'session' | 'prefix' }
  | { readonly kind: 'header' | 'metadata'; readonly name: string }

/** What rules may ask of a request. Getters read the body at the first call only; what no rule asks for is never read. */
export interface RequestFacts {
  /** As records call it: `chat.completions`. */
  readonly surface: string
  /** As the client named it. */
  readonly model: string
  readonly stream: boolean
  /** By the rule of reservations. */
  readonly inputTokens: number
  /** For all choices: what the client named, else what the configuration supposes. */
  readonly outputTokens: number
  /** Null: the client named no maximum. */
  readonly namedOutputTokens: number | null
  /** Pictures, sounds and files. */
  readonly mediaItems: number
  /** Id of the key; empty for none. */
  readonly key: string
  readonly hasTools: boolean
  readonly wantsSchema: boolean
  readonly hasImages: boolean
  /** The user's words, message after message. */
  readonly words: readonly string[]
  /** Id of the level of this kind that the key is in; null: in none. */
  level(kind: 'organization' | 'team' | 'project' | 'user'): string | null
  /** Those that the operator gave the key. */
  readonly keyTags: ReadonlySet<string>
  /** Those of `x-ferro-tags`. */
  readonly tags: ReadonlySet<string>
  /** Name in lower case. */
  header(name: string): string | null
  /** A member of the body by its path; undefined when there is none. */
  parameter(path: readonly string[]): unknown
  /** Of the client's `metadata`. */
  metadata(name: string): string | null
  /** Hash of what keeps requests together, from 0 to 2³²-1; -1 when the request has none. */
  hashOf(source: StickySource): number
}
