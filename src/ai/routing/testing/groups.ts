import { hashText } from '../../../core/index.ts'
import type { ModelTarget } from '../../models/target.ts'
import type {
  GroupLimits,
  RequestFacts,
  RoutingContext,
  RoutingGroup,
  RoutingMember,
  RoutingTarget,
  StickySource,
  Strategy,
  StrategyName,
  TargetStatistics,
} from '../contract.ts'
import { Draft, type Kept } from '../draft.ts'
import { ModelGroup } from '../model-group.ts'
import { NO_STATISTICS } from '../statistics.ts'
import { single } from '../strategies/single.ts'

const ONE_MS = { baseMs: 1, maxMs: 1 }
const TIMEOUTS = { connectMs: 1_000, firstByteMs: 1_000, firstByteStreamMs: 1_000, idleMs: 1_000, totalMs: 1_000 }

/** A target with a model of its own, of which only what is said is known. */
export function routingTarget(
  id: string,
  target: Partial<ModelTarget> = {},
  more: Partial<RoutingTarget> = {},
): RoutingTarget {
  const [provider = '', model = ''] = id.split('/')
  const made = {
    name: id,
    provider,
    model,
    prices: null,
    facts: null,
    isRefusedUnpriced: false,
    ...target,
  } as ModelTarget // routing reads no other member of a target
  return {
    id,
    shared: null,
    target: made,
    credentialId: provider,
    tags: new Set(),
    enabled: true,
    keptFor: null,
    retry: { attemptsPerTarget: 2 },
    breaker: null,
    timeouts: TIMEOUTS,
    concurrency: null,
    streams: true,
    recall: { of: null, memory: null },
    ...more,
  }
}

/** A member of a group: a target or a group. */
export interface MemberSpec {
  readonly of: RoutingTarget | GroupSpec
  readonly weight?: number
  readonly priority?: number
  readonly label?: string
}

export interface GroupSpec {
  readonly name: string
  readonly strategyName?: StrategyName
  readonly strategy: Strategy
  readonly members: readonly MemberSpec[]
  /** Attempts of one request; absent: 4. */
  readonly attempts?: number
  /** Absent: a millisecond. */
  readonly backoff?: GroupLimits['backoff']
}

/** A group as a configuration would make it. */
export function modelGroup(spec: GroupSpec): ModelGroup {
  const targets: RoutingTarget[] = []
  const kept: Kept = { drops: [], isWhole: false, limit: Number.POSITIVE_INFINITY }
  const groupOf = (one: GroupSpec): RoutingGroup => {
    const { name, strategyName = 'weighted', strategy, members: specs, attempts = 4, backoff = ONE_MS } = one
    const members = specs.map(({ of, weight = 1, priority = 0, label }): RoutingMember => {
      const id = 'id' in of ? of.id : of.name
      const about = { place: id, weight, priority, label: label ?? null, rank: 0, hash: hashText(id) }
      if (!('id' in of)) return { ...about, position: -1, target: null, group: groupOf(of) }
      const known = targets.indexOf(of)
      if (known < 0) {
        targets.push(of)
        kept.drops.push(null)
      }
      return { ...about, position: known < 0 ? targets.length - 1 : known, target: of, group: null }
    })
    const sorted = members.toSorted(
      (one, other) => one.priority - other.priority || other.weight - one.weight || (one.place < other.place ? -1 : 1),
    )
    const ranked = members.map((member) => ({ ...member, rank: sorted.indexOf(member) }))
    const limits = { attempts, withinMs: 1_000, backoff, onRefusal: 'stop' } as const
    return {
      name,
      strategyName,
      strategy,
      members: ranked,
      targets,
      rules: null,
      limits,
      draft: new Draft(ranked, kept),
    }
  }
  const root = groupOf(spec)
  return new ModelGroup(root, kept, {
    isInternal: false,
    entry: spec.name,
    hedgeAfter: null,
    canary: null,
    shadow: null,
  })
}

/** The group of one target. */
export function groupOfTarget(target: ModelTarget): ModelGroup {
  const only = routingTarget(target.name, {}, { target })
  return modelGroup({ name: target.name, strategyName: 'single', strategy: single, members: [{ of: only }] })
}

export interface ContextSpec {
  readonly facts?: Partial<RequestFacts>
  readonly statistics?: Partial<TargetStatistics>
  readonly random?: () => number
  /** Keeps requests together, whatever is asked for. */
  readonly hash?: number
}

/** What strategies are told, with nothing known but what is said. */
export function contextOf({ facts, statistics, random = Math.random, hash = -1 }: ContextSpec = {}): RoutingContext {
  const plain: RequestFacts = {
    surface: 'chat.completions',
    model: 'm',
    stream: false,
    inputTokens: 1_000,
    outputTokens: 1_000,
    namedOutputTokens: null,
    mediaItems: 0,
    key: '',
    hasTools: false,
    wantsSchema: false,
    hasImages: false,
    words: [],
    keyTags: new Set(),
    level: () => null,
    tags: new Set(),
    header: () => null,
    parameter: () => undefined,
    metadata: () => null,
    hashOf: (_source: StickySource) => hash,
  }
  return { facts: { ...plain, ...facts }, statistics: { ...NO_STATISTICS, ...statistics }, random, nowMs: 0, wallMs: 0 }
}

/** The ids of the order that a request gets. */
export function idsOf(group: ModelGroup, spec: ContextSpec = {}): string[] {
  const order = group.orders.make(contextOf(spec), null)
  const ids = Array.from({ length: order.count }, (_, place) => order.at(place)?.id ?? '')
  group.orders.giveBack(order)
  return ids
}

/** Random numbers that are the same in every run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) >>> 0) / 2 ** 32
  }
}
