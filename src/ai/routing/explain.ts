import type { ConfigDocument } from '../../config/index.ts'
import { GatewayError } from '../../core/index.ts'
import { KeyPrincipal } from '../../governance/index.ts'
import { monotonicUs } from '../../lib/index.ts'
import { createMetricsRow, GatewayMetrics, MetricsRegistry } from '../../observability/index.ts'
import { conversationFacts } from '../conversation/conversation-route.ts'
import { ConversationState } from '../conversation/conversation-state.ts'
import type { Surface } from '../conversation/surface.ts'
import { COMMON_DIALECT, loadDialects } from '../dialects/tables.ts'
import { compileRegistry } from '../models/compile-registry.ts'
import type { ModelRegistry } from '../models/registry.ts'
import { dialectsOf } from '../providers/dialects-of.ts'
import { CONVERSATIONS, loadSurface } from '../surfaces/conversations.ts'
import { refusalsOf } from './choose.ts'
import type { RequestFacts, RoutingContext, RoutingGroup, RoutingTarget } from './contract.ts'
import { costOf } from './cost.ts'
import { FAILURE_CLASSES } from './failures/failure-class.ts'
import { FAILURE_RULES } from './failures/failure-rules.ts'
import { loadRuleRegex } from './load-regex.ts'
import type { ModelGroup } from './model-group.ts'
import type { Order } from './order.ts'
import { type TargetFigures, toldStatistics } from './statistics.ts'
import { ruleFor } from './strategies/rules.ts'

/** What is asked: where would this request go? */
export interface RouteQuestion {
  readonly document: ConfigDocument
  readonly environment: Readonly<Record<string, string | undefined>>
  /** A conversation's surface, such as `chat.completions`. */
  readonly surface: string
  /** Absent: as the body says. */
  readonly model: string | undefined
  /** Null: a key without limits. */
  readonly key: {
    readonly id: string
    readonly allow: readonly string[] | null
    readonly deny: readonly string[]
    readonly tags?: readonly string[]
  } | null
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | null
  /** What a running gateway knows of targets, by id; null: nobody was asked. */
  readonly figures: Readonly<Record<string, TargetFigures>> | null
}

export interface RouteExplanation {
  readonly model: string
  readonly strategy: string
  readonly key: string | null
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

/** Why a target is not asked, for people. */
const WORDS: Readonly<Record<string, string>> = {
  disabled: 'switched off by `enabled: false`',
  denied: 'the key may not use it',
  not_served: 'its provider has no such endpoint',
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
  const principal = principalFor(question.key)
  const facts = factsOf(question, surface, { registry, principal })
  const group = registry.resolve(facts.model)
  if (group === null) throw new GatewayError('resource_not_found', `The model "${facts.model}" does not exist here.`)
  const statistics = toldStatistics(figures ?? {})
  const context = { facts, statistics, random: registry.random, nowMs: monotonicUs() / 1000, wallMs: Date.now() }
  const order = group.orders.make(context, refusalsFor(principal, registry, facts), 'whole')
  return {
    model: facts.model,
    strategy: group.root.strategyName,
    key: question.key?.id ?? null,
    statistics: figures === null ? 'none' : 'running',
    request: {
      surface: facts.surface,
      stream: facts.stream,
      input_tokens: facts.inputTokens,
      output_tokens: facts.outputTokens,
      media: facts.mediaItems,
    },
    targets: group.targets.map((target, position) =>
      explainTarget(target, group.orders.drops[position] ?? null, context),
    ),
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
  const names = !principal.hasAllowLists ? null : registry.namesOf(facts.model)
  if (names === null || names.some((each) => principal.mayUse(each))) return refusals
  return () => 'denied' as const
}

function principalFor(key: RouteQuestion['key']): KeyPrincipal {
  return new KeyPrincipal({
    id: key?.id ?? '',
    hash: '',
    previous: null,
    addresses: null,
    enabled: true,
    expiresAt: null,
    scopes: [],
    tags: key?.tags ?? [],
    modelsAllow: key?.allow ?? null,
    modelsDeny: key?.deny ?? null,
    rates: [],
    tokenRate: null,
    concurrency: null,
    budgets: [],
    levels: [],
    generationSlot: 0,
    generation: 0,
  })
}

async function surfaceNamed(name: string): Promise<Surface> {
  const row = CONVERSATIONS.find((each) => each.name === name)
  if (row !== undefined) return await loadSurface(row)
  const known = [...new Set(CONVERSATIONS.map((each) => each.name))].join(', ')
  throw new GatewayError('invalid_request', `There is no surface "${name}"; there are ${known}.`)
}

function factsOf(
  { model, body, headers }: RouteQuestion,
  surface: Surface,
  { registry, principal }: { readonly registry: ModelRegistry; readonly principal: KeyPrincipal },
): RequestFacts {
  const { names, requiresMaxTokens } = surface.reader.shape
  const given = body ?? Buffer.from(JSON.stringify({ [names.content ?? 'messages']: [] }))
  const bytes = completed(given, {
    model: names.model,
    maxTokens: requiresMaxTokens ? names.maxTokens : undefined,
    asked: model,
  })
  const path = names.model === undefined ? { model: model ?? '', stream: false, framing: 'sse' as const } : null
  const request = surface.reader.read(bytes, path)
  if (request instanceof GatewayError) throw request
  const x = { head: { get: (header: string) => headers[header] ?? null }, principal }
  return conversationFacts(x, registry, new ConversationState(surface, request, path), bytes)
}

/** A body with what every request must have, where somebody asks about part of one. */
function completed(
  body: Buffer,
  { model, maxTokens, asked }: { model: string | undefined; maxTokens: string | undefined; asked: string | undefined },
): Buffer {
  let value: unknown
  try {
    value = JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw new GatewayError('invalid_json', 'The body is not valid JSON.', { cause })
  }
  if (typeof value !== 'object' || value === null) return body
  return Buffer.from(
    JSON.stringify({
      ...(maxTokens === undefined ? {} : { [maxTokens]: 1_024 }),
      ...value,
      ...(model === undefined || asked === undefined ? {} : { [model]: asked }),
    }),
  )
}

function explainTarget(target: RoutingTarget, drop: string | null, context: RoutingContext): ExplainedTarget {
  const { statistics, nowMs } = context
  const cost = costOf(context)(target)
  const firstByte = statistics.firstByteMs(target)
  return {
    id: target.id,
    provider: target.target.provider,
    model: target.target.model,
    tags: [...target.tags],
    dropped: drop === null ? null : (WORDS[drop] ?? drop),
    cost_nanos: Number.isNaN(cost) ? null : Math.round(cost),
    first_byte_ms: Number.isNaN(firstByte) ? null : firstByte,
    failure_share: statistics.failureShare(target),
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
      if (others === 'larger') return (context(target) ?? Number.POSITIVE_INFINITY) > (context(first) ?? 0)
      return others === 'all' || (others === 'if-allowed' && onRefusal === 'next')
    }
    return {
      class: name,
      again: first.retry.attemptsPerTarget > 1 ? again : 'never',
      next: rest
        .filter(isAsked)
        .slice(0, attempts - 1)
        .map(({ id }) => id),
      rests: rests === 'nothing' ? null : { what: rests === 'credential' ? first.credentialId : first.id, ms: restMs },
      breaker: first.breaker !== null && (outcome === 'failure' || outcome === 'down'),
    }
  })
}
