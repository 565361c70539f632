import type { TokenCounter } from '../../ai/index.ts'
import type { ConfigDocument } from '../../config/index.ts'
import { fetchAddress, type Plan, type SharedState } from '../../core/index.ts'
import {
  AuthMemory,
  type CounterDesk,
  createRouteGates,
  type KeyTable,
  Policies,
  type PrincipalSource,
} from '../../governance/index.ts'
import type { GatewayMetrics } from '../../observability/index.ts'
import type { ContentPort, UsageClaimsPort } from '../../storage/index.ts'
import type { EgressDoor, EgressDoors } from './egress.ts'
import { compilePlan, type RouteHooks } from './plan.ts'
import type { Pools } from './pools.ts'
import { principalSources } from './principal-sources.ts'
import type { Transports } from './transports.ts'
import type { WorkerHooks } from './worker-hooks.ts'

/** What the plans of one worker share: it outlives each of them. */
export interface PlanCompilerParts {
  readonly keys: KeyTable
  readonly hooks: WorkerHooks
  readonly metrics: GatewayMetrics
  readonly stores: ContentPort & UsageClaimsPort
  readonly tokenizer: TokenCounter
  readonly doors: EgressDoors
  readonly transports: Transports
  readonly pools: Pools
  readonly desk: CounterDesk
  readonly counters: BigInt64Array
  readonly shared: SharedState
  readonly now: () => number
  /** `SharedMemory.process`. */
  readonly process: Int32Array
  /** The operational log. */
  readonly warn: (message: string, fields: Readonly<Record<string, unknown>>) => void
}

/** Who may what in a plan beside the holders of keys. */
interface Ruled {
  readonly policies: Policies | null
  readonly others: readonly PrincipalSource[]
}

/** Makes plans of documents with the parts of one worker. */
export class PlanCompiler {
  readonly #parts: PlanCompilerParts
  readonly #authMemory = new AuthMemory()

  constructor(parts: PlanCompilerParts) {
    this.#parts = parts
  }

  /** Rejects when the document cannot be served: a missing reference. Changes nothing of the plan in force. */
  async compile(version: number, document: ConfigDocument): Promise<Plan> {
    const { metrics, transports, hooks, stores, tokenizer, process: cells, warn, pools } = this.#parts
    const door = this.#parts.doors.doorFor(document)
    const policies = Policies.compile(document)
    const others = principalSources(document, { levels: this.#parts.keys.levels, ...this.#authParts(version, door) })
    const plan = await compilePlan({
      version,
      document,
      environment: process.env,
      metrics,
      transports: transports.forVersion(version, door),
      hooks: hooks.surfaces(policies, others),
      content: stores,
      claims: stores,
      counter: tokenizer,
      fetchAddress: async (url, limits) => await fetchAddress(url, { ...limits, ...door }),
      routes: this.#routesThrough(door, { policies, others }),
      process: cells,
      warn,
    })
    await pools.resolved()
    return plan
  }

  #routesThrough(door: EgressDoor, ruled: Ruled): RouteHooks {
    const { shared, now, pools, keys, desk, counters, hooks } = this.#parts
    return {
      shared,
      now,
      pool: (name, config, plan) => pools.pool(name, config, { ...plan, door }),
      gates: (route, version) =>
        createRouteGates(route, {
          keys,
          ...ruled,
          ...this.#authParts(version, door),
          desk,
          counters,
          indexOf: shared.indexOf,
        }),
      settle: ({ record }) => hooks.settleRoute[record],
    }
  }

  /** What asks servers of people's own who somebody is. */
  #authParts(version: number, door: EgressDoor) {
    const { transports, warn } = this.#parts
    const connect = (server: Parameters<ReturnType<Transports['forVersion']>['connect']>[0]) =>
      transports.forVersion(version, door).connect(server)
    return { memory: this.#authMemory, connect, warn }
  }
}
