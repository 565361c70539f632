/**
 * `node bench/micro/select.ts`: what it costs to decide which targets of a model a request asks, and in which order: filter,
 * strategy, those that rest last. Statistics come from `TargetMemories` over memory that threads share, as they do in a worker;
 * the key with lists is denied other models by patterns, on its own level and its team's, as `chooseOrder` asks it. Prints the fastest of
 * some short runs, and the load of the machine.
 */
import { loadavg } from 'node:os'
import type { ModelRegistry } from '../../src/ai/models/registry.ts'
import { refusalsOf } from '../../src/ai/routing/choose.ts'
import type { RoutingTarget, Strategy } from '../../src/ai/routing/contract.ts'
import { TargetMemories } from '../../src/ai/routing/state/target-memories.ts'
import { abTest } from '../../src/ai/routing/strategies/ab-test.ts'
import { balanced } from '../../src/ai/routing/strategies/balanced.ts'
import { fallback } from '../../src/ai/routing/strategies/fallback.ts'
import { leastLatency } from '../../src/ai/routing/strategies/least-latency.ts'
import { lowestCost } from '../../src/ai/routing/strategies/lowest-cost.ts'
import { byRules } from '../../src/ai/routing/strategies/rules.ts'
import { sticky } from '../../src/ai/routing/strategies/sticky.ts'
import { weighted } from '../../src/ai/routing/strategies/weighted.ts'
import { contextOf, modelGroup, routingTarget } from '../../src/ai/routing/testing/groups.ts'
import { type SharedState, viewCells } from '../../src/core/index.ts'
import { KeyPrincipal, LevelTable } from '../../src/governance/index.ts'
import { createCounters, monotonicUs } from '../../src/lib/index.ts'
import { measure } from './measure.ts'

const SEATS = 4
const BREAKER = {
  consecutiveFailures: 5,
  failureShare: { share: 0.5, minimumVolume: 20 },
  windowMs: 30_000,
  openMs: 15_000,
  probes: 1,
}

/** Slots one behind the other, by name, as the process gives them to its workers. */
function sharedState(): SharedState {
  const cells = viewCells(createCounters(200_000))
  const slots = new Map<string, number>()
  let free = 1
  const indexOf = ({ name, cells: needed }: { name: string; cells: number }) => {
    const held = slots.get(name)
    if (held !== undefined) return held
    slots.set(name, free)
    free += needed
    return free - needed
  }
  return { cells, seat: { number: 0, of: SEATS }, indexOf }
}

const STRATEGIES: Readonly<Record<string, Strategy>> = {
  fallback,
  weighted,
  'least-latency': leastLatency({ explore: 0.01 }),
  'lowest-cost': lowestCost({ unpriced: 'last' }),
  balanced: balanced({ cost: 1, latency: 1, health: 1 }),
  conditional: byRules([{ place: 'rules[0]', holds: ({ stream }) => !stream, use: [1, 0] }], []),
  'ab-test': abTest({ by: [{ kind: 'key' }], salt: 7 }),
  sticky: sticky({ by: [{ kind: 'session' }], switch: 'never' }),
}

const OPEN = { enabled: true, modelsAllow: null, rates: [], tokenRate: null, concurrency: null, budgets: [] }

/** A key that may use all of this, and is denied other models twice. */
function keyWithLists(): KeyPrincipal {
  const levels = new LevelTable()
  levels.apply({ name: 'team:t', document: { ...OPEN, name: 'team:t', modelsDeny: ['*-preview', 'o1'] } })
  const document = {
    ...OPEN,
    id: 'k',
    hash: '',
    previous: null,
    addresses: null,
    expiresAt: null,
    scopes: [],
    levels: ['team:t'],
    modelsDeny: ['other/*', 'gpt-5'],
    generationSlot: 0,
    generation: 0,
  }
  return new KeyPrincipal(document, levels)
}

function targets(count: number): RoutingTarget[] {
  return Array.from({ length: count }, (_, at) => {
    const prices = { rule: 'r', input: 1_000 + at, output: 5_000, cacheRead: 100, cacheWrite: 1_000, request: 0 }
    const capabilities = {
      maxOutputTokens: 16_384,
      contextTokens: 128_000,
      refuses: new Set<string>(),
      structuredOutput: 'native' as const,
      tools: true,
      vision: false,
      reasoning: null,
    }
    return routingTarget(`p${at}/m`, { prices, facts: { prices, capabilities, entry: null } }, { breaker: BREAKER })
  })
}

for (const count of [2, 10, 200]) {
  for (const [name, strategy] of Object.entries(STRATEGIES)) {
    const members = targets(count).map((of, at) => ({ of, weight: 1 + (at % 7), priority: at }))
    const group = modelGroup({ name: 'm', strategy, members })
    const statistics = new TargetMemories(sharedState(), { share: 0.2, perSecond: 10 })
    for (const [n, { of }] of members.entries()) {
      const { recent } = statistics.of(of)
      for (let time = 0; time < 130; time++) recent.time(100 + (((n + time) * 7_919) % 400))
    }
    const context = { ...contextOf({ hash: 1 }), statistics }
    let hash = 1
    const facts = { ...context.facts, hashOf: () => (hash = (hash * 48_271) % 0x7fffffff) }
    // Short runs: on a shared machine the fastest of them is the one that nobody interrupted.
    const calls = 100_000 / count
    const names = members.map(({ of }) => ({
      same: ['m'],
      served: [of.id, 'm', `alias-of-${of.id}`],
      provider: of.target.provider,
      keptFor: null,
    }))
    // Nobody asks more of it here.
    const registry = { keepsTargets: false, namesOf: () => names } as unknown as ModelRegistry
    const principal = keyWithLists()
    for (const key of ['', ', a key with lists'] as const) {
      const decide = () => {
        const refuse = key === '' ? null : refusalsOf(principal, { registry, facts })
        const order = group.orders.make({ ...context, facts, nowMs: monotonicUs() / 1_000 }, refuse)
        const first = order.positions[0]
        group.orders.giveBack(order)
        return first
      }
      for (let n = 0; n < 5_000; n++) decide()
      measure(`${name}, ${count} targets${key}`, calls, decide)
    }
  }
}
console.log(`load average ${loadavg()[0]?.toFixed(1)}`)
