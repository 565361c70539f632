import { GatewayError } from '../../../core/index.ts'
import { GATEWAY, type KeyPrincipal, keyLevel, levelInWords, POLICY, Policies } from '../../../governance/index.ts'
import { monotonicUs } from '../../../lib/index.ts'
import { createMetricsRow, GatewayMetrics, MetricsRegistry } from '../../../observability/index.ts'
import { COMMON_DIALECT, loadDialects } from '../../dialects/tables.ts'
import { compileRegistry } from '../../models/compile-registry.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import { dialectsOf } from '../../providers/dialects-of.ts'
import { refusalsOf } from '../choose.ts'
import type { RequestFacts, RoutingContext, RoutingGroup, RoutingTarget } from '../contract.ts'
import { costOf } from '../cost.ts'
import { FAILURE_CLASSES } from '../failures/failure-class.ts'
import { FAILURE_RULES } from '../failures/failure-rules.ts'
import { loadRuleRegex } from '../load-regex.ts'
import type { ModelGroup } from '../model-group.ts'
import type { Order } from '../order.ts'
import { mayTakeMore } from '../order-walk.ts'
import { toldStatistics } from '../statistics.ts'
import { ruleFor } from '../strategies/rules.ts'
import { isAmong, mayBeServed, type TargetNames } from '../visibility.ts'
import type {
  ExplainedCanary,
  ExplainedFailure,
  ExplainedGroup,
  ExplainedHedge,
  ExplainedPlace,
  ExplainedShadow,
  ExplainedTarget,
  RouteExplanation,
} from './explanation.ts'
import { factsOf, principalFor, type RouteQuestion, surfaceNamed } from './question.ts'

/** Why a target is not asked, for people. */
const WORDS: Readonly<Record<string, string>> = {
  disabled: 'switched off by `enabled: false`',
  not_served: 'its provider has no such endpoint',
  untagged: 'it has not all tags that `x-ferro-require-tags` asks for',
  unpriced: 'it has no price, and models without one are not served',
  no_streaming: 'it does not stream, and a stream is asked for',
  no_tools: 'it calls no tools, and the request has some',
  no_images: 'it takes no pictures, and the request has some',
  no_structured_output: 'it has no structured output, which is asked for',
  context_too_short: 'its context is shorter than the input',
  output_too_short: 'it cannot answer as much as is asked for',
}

/** Strategies whose scores mean something to people. */
const SCORED: ReadonlySet<string> = new Set(['least-latency', 'lowest-cost', 'balanced'])
const UNUSED = { dispatch: () => false, close: () => Promise.resolve() }

/** Where a request would go and why, by the functions that decide it. Throws a GatewayError for one that would be refused before. */
export async function explainRoute(question: RouteQuestion): Promise<RouteExplanation> {
  const { document, environment, figures } = question
  const surface = await surfaceNamed(question.surface)
  await loadDialects([COMMON_DIALECT, ...dialectsOf(document)])
  const metrics = new GatewayMetrics(new MetricsRegistry({ row: createMetricsRow(), onSeries: () => undefined }))
  const registry = compileRegistry({
    document,
    environment,
    metrics,
    transports: { connect: () => UNUSED, demo: UNUSED },
    regex: await loadRuleRegex(document),
  })
  const place = { route: surface.name, address: '', timeMs: Date.now() }
  const principal = Policies.compile(document)?.under(principalFor(question), place) ?? principalFor(question)
  const { closed } = principal.charged
  if (closed !== null) throw new GatewayError('level_disabled', `Access is switched off for ${levelInWords(closed)}.`)
  const facts = factsOf(question, surface, { registry, principal })
  const group = registry.resolve(facts.model)
  if (group === null) throw new GatewayError('resource_not_found', `The model "${facts.model}" does not exist here.`)
  const statistics = toldStatistics(figures ?? {})
  const context = { facts, statistics, random: registry.random, nowMs: monotonicUs() / 1000, wallMs: Date.now() }
  const order = group.orders.make(context, refusalsFor(principal, registry, facts), 'whole')
  const names = registry.namesOf(facts.model)
  const deniedBy = (own: TargetNames | undefined) => {
    if (own !== undefined && !isAmong(own.keptFor, principal)) return 'it is kept for others by `visible_to`'
    const level = own === undefined ? null : principal.refusing(own)
    if (level?.startsWith(POLICY) === true) return `the policy "${level.slice(POLICY.length)}" does not allow it`
    const isKeys = level === null || level === keyLevel(principal.id)
    return `${isKeys ? 'the key' : levelInWords(level)} may not use it`
  }
  return {
    model: facts.model,
    strategy: group.root.strategyName,
    key: question.key?.id ?? null,
    levels: (question.levels ?? []).map(({ name }) => name).filter((name) => name !== GATEWAY),
    statistics: figures === null ? 'none' : 'running',
    request: {
      surface: facts.surface,
      stream: facts.stream,
      input_tokens: facts.inputTokens,
      output_tokens: facts.outputTokens,
      media: facts.mediaItems,
    },
    targets: group.targets.map((target, position) => {
      const drop = group.orders.drops[position] ?? null
      return explainTarget(target, drop === 'denied' ? deniedBy(names?.[position]) : drop, context)
    }),
    groups: groupsIn(group.root, facts),
    hedge: hedgeOf(order, group),
    canary: canaryOf(group),
    shadow: shadowOf(group),
    on_failure: onFailure(order, group),
    order: placesOf(order, group),
  }
}

function refusalsFor(principal: KeyPrincipal, registry: ModelRegistry, facts: RequestFacts) {
  const refusals = refusalsOf(principal, { registry, facts })
  const isOpen = !principal.hasAllowLists && !registry.keepsTargets
  const names = isOpen ? null : registry.namesOf(facts.model)
  if (names === null || names.some((each) => mayBeServed(principal, each))) return refusals
  return () => 'denied' as const
}

function explainTarget(target: RoutingTarget, drop: string | null, context: RoutingContext): ExplainedTarget {
  const { statistics, nowMs } = context
  const cost = costOf(context)(target)
  const told = (ms: number) => (Number.isNaN(ms) ? null : ms)
  return {
    id: target.id,
    provider: target.target.provider,
    model: target.target.model,
    tags: [...target.tags],
    dropped: drop === null ? null : (WORDS[drop] ?? drop),
    cost_nanos: Number.isNaN(cost) ? null : Math.round(cost),
    first_byte_ms: told(statistics.firstByteMs(target, 'whole')),
    first_byte_stream_ms: told(statistics.firstByteMs(target, 'stream')),
    failure_share: statistics.failureShare(target, nowMs),
    in_flight: statistics.inFlight(target),
    rests_ms: statistics.restsMs(target, nowMs),
    opens_in_ms: statistics.opensInMs(target, nowMs),
    refuses_ms: statistics.refusesMs(target, nowMs),
  }
}

/** Every group that was put in order; the drafts still hold what was made of them. */
function groupsIn(group: RoutingGroup, facts: RequestFacts): ExplainedGroup[] {
  const { draft, name, strategyName, rules } = group
  const members = Array.from({ length: draft.count }, (_, place) => {
    const member = draft.member(place)
    const score = draft.scores[draft.positions[place] ?? 0] ?? 0
    return {
      place: member.place,
      label: member.label,
      weight: member.weight,
      priority: member.priority,
      score: SCORED.has(strategyName) && Math.abs(score) < Number.MAX_VALUE ? score : null,
    }
  })
  const rule = rules === null ? null : (ruleFor(rules, facts)?.place ?? null)
  const within = group.members.flatMap((member) => (member.group === null ? [] : groupsIn(member.group, facts)))
  return [{ name, strategy: strategyName, rule, members }, ...within]
}

function placesOf(order: Order, group: ModelGroup): ExplainedPlace[] {
  const places = Array.from({ length: order.count }, (_, place) => ({
    id: order.at(place)?.id ?? '',
    variant: order.variants[place] ?? null,
    ready: place < order.ready,
  }))
  group.orders.giveBack(order)
  return places
}

/** Those that rest are not asked in a hurry. */
function hedgeOf(order: Order, { hedgeAfter, root }: ModelGroup): ExplainedHedge | null {
  if (hedgeAfter === null) return null
  const after = 'ms' in hedgeAfter ? hedgeAfter : { percentile: Number((hedgeAfter.share * 100).toFixed(1)) }
  const next = root.limits.attempts > 1 && order.ready > 1 ? (order.at(1)?.id ?? null) : null
  return { after, next }
}

function canaryOf({ canary }: ModelGroup): ExplainedCanary | null {
  if (canary === null) return null
  const { target, share, stop, restart_after: restartMs } = canary
  return { id: target.id, share, stop, restart_after_ms: restartMs ?? null }
}

function shadowOf({ shadow }: ModelGroup): ExplainedShadow | null {
  if (shadow === null) return null
  const { target, share, max_concurrent, charge } = shadow
  return { id: target.id, share, max_concurrent, charge }
}

/** The rules of each class of failures, for the targets of one order. */
function onFailure(order: Order, group: ModelGroup): ExplainedFailure[] {
  const first = order.at(0)
  if (first === null) return []
  const { attempts, onRefusal } = group.root.limits
  const context = (target: RoutingTarget) => target.target.facts?.capabilities.contextTokens ?? null
  const rest = Array.from({ length: order.count - 1 }, (_, at) => order.at(at + 1)).filter((target) => target !== null)
  return FAILURE_CLASSES.filter((name) => name !== 'cancelled').map((name): ExplainedFailure => {
    const { again, others, outcome, rests, restMs } = FAILURE_RULES[name]
    const isAsked = (target: RoutingTarget) => {
      if (others === 'larger') return mayTakeMore(context(target), context(first))
      return others === 'all' || (others === 'if-allowed' && onRefusal === 'next')
    }
    return {
      class: name,
      again: first.retry.attemptsPerTarget > 1 ? again : 'never',
      next: rest
        .filter(isAsked)
        .slice(0, attempts - 1)
        .map(({ id }) => id),
      rests:
        rests === 'nothing' || (name === 'withdrawn' && first.shared !== null)
          ? null
          : { what: rests === 'credential' ? first.credentialId : first.id, ms: restMs },
      breaker: first.breaker !== null && (outcome === 'failure' || outcome === 'down'),
    }
  })
}
