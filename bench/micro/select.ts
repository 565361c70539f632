/**
 * `node bench/micro/select.ts`: what it costs to decide which targets of a model a request asks, and in which order: filter,
 * strategy, those that rest last. Statistics come from memory that threads share, as they do in a worker.
 */
import type { RoutingTarget, Strategy, TargetStatistics } from '../../src/ai/routing/contract.ts'
import { abTest } from '../../src/ai/routing/strategies/ab-test.ts'
import { balanced } from '../../src/ai/routing/strategies/balanced.ts'
import { fallback } from '../../src/ai/routing/strategies/fallback.ts'
import { leastLatency } from '../../src/ai/routing/strategies/least-latency.ts'
import { lowestCost } from '../../src/ai/routing/strategies/lowest-cost.ts'
import { byRules } from '../../src/ai/routing/strategies/rules.ts'
import { sticky } from '../../src/ai/routing/strategies/sticky.ts'
import { weighted } from '../../src/ai/routing/strategies/weighted.ts'
import { contextOf, modelGroup, routingTarget } from '../../src/ai/routing/testing/groups.ts'
import { measure } from './measure.ts'

const CELLS = new Float64Array(new SharedArrayBuffer(8 * 1_024))

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

/** A target that knows where its statistics stand. */
interface Placed extends RoutingTarget {
  readonly cell: number
}

function targets(count: number): Placed[] {
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
    return { ...routingTarget(`p${at}/m`, { prices, facts: { prices, capabilities, entry: null } }), cell: at }
  })
}

for (const count of [2, 10, 200]) {
  for (const [name, strategy] of Object.entries(STRATEGIES)) {
    const members = targets(count).map((of, at) => ({ of, weight: 1 + (at % 7), priority: at }))
    const group = modelGroup({ name: 'm', strategy, members })
    const at = (target: RoutingTarget) => (target as Placed).cell // made above
    const statistics: TargetStatistics = {
      firstByteMs: (target) => CELLS[at(target)] ?? 0,
      failureShare: (target) => CELLS[256 + at(target)] ?? 0,
      inFlight: (target) => CELLS[512 + at(target)] ?? 0,
      restsMs: (target) => CELLS[768 + at(target)] ?? 0,
      refusesMs: () => 0,
      opensInMs: (target) => CELLS[768 + at(target)] ?? 0,
    }
    for (let n = 0; n < count; n++) CELLS[n] = 100 + ((n * 7_919) % 400)
    const context = { ...contextOf({ hash: 1 }), statistics }
    let hash = 1
    const facts = { ...context.facts, hashOf: () => (hash = (hash * 48_271) % 0x7fffffff) }
    // Short runs: on a shared machine the fastest of them is the one that nobody interrupted.
    const calls = 100_000 / count
    const decide = () => {
      const order = group.orders.make({ ...context, facts }, null)
      const first = order.positions[0]
      group.orders.giveBack(order)
      return first
    }
    for (let n = 0; n < 5_000; n++) decide()
    measure(`${name}, ${count} targets`, calls, decide)
  }
}
