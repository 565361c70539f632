import { type Exchange, type Gate, GatewayError, WAIT } from '../../../core/index.ts'
import { allowed, type Servers, unknownModel } from '../../conversation/conversation-route.ts'
import { isObject, type JsonObject, parseExact, writeJson } from '../../ir/json.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import type { ModelTarget } from '../../models/target.ts'
import { type ForwardRoutingOptions, forwardRouting } from '../../operations/forward/forward-routing.ts'
import { ForwardState } from '../../operations/forward/forward-state.ts'
import type { ProviderUpstream } from '../../providers/upstreams.ts'
import type { RoutingTarget } from '../../routing/contract.ts'
import { plainFacts } from '../../routing/request-facts.ts'
import { type PriorTurns, unknownPrior } from './prior.ts'
import { belowPath } from './response-look.ts'

export interface CompactOptions {
  readonly registry: ModelRegistry
  readonly priors: PriorTurns
  /** The targets that can go on with what a request has in it. */
  readonly servers: Servers
  /** Tokens that are reserved for an answer of which nothing is known. */
  readonly outputTokens: number
}

/** `POST /v1/responses/compact`: only the vendor can say a conversation in fewer, sealed words. */
export function createCompact({ registry, priors, servers, outputTokens }: CompactOptions): Gate {
  const turn: ForwardRoutingOptions['turn'] = (x, state, { target, provider }) => {
    const endpoint = endpointOf(target)
    const body = parsed(x)
    if (endpoint === null || body === null) throw new Error(`${target.name} was chosen and compacts nothing`)
    const bytes = Buffer.from(writeJson({ ...body, model: endpoint.modelName }))
    state.mostTokens = bytes.length + outputTokens
    const prior = priors.of(x)
    const keeper = prior === null || prior === WAIT ? null : (prior.maker?.credential ?? null)
    const path = belowPath(endpoint.path(false), '/compact')
    return { provider, path, body: bytes, lane: laneOf(provider, keeper) }
  }
  const routing = forwardRouting(registry, { turn })
  return (x) => {
    const prior = priors.of(x)
    if (prior === WAIT) return WAIT
    const name = parsed(x)?.['model']
    if (typeof name !== 'string')
      return new GatewayError('invalid_request', 'The body must name a model.', { param: 'model' })
    const group = registry.resolve(name)
    if (group === null || !allowed(x, registry, name)) return unknownModel(name)
    if (prior !== null) {
      const wrong =
        priors.elsewhere(prior) ?? (prior.whole === null && prior.maker === null ? unknownPrior(prior) : null)
      if (wrong !== null) return wrong
      if (prior.whole !== null) x.body = prior.whole
    }
    if (!group.targets.some(compacts)) {
      const message = `The model "${name.slice(0, 128)}" compacts nothing: its provider does not speak this dialect.`
      return new GatewayError('invalid_request', message, { param: 'model' })
    }
    const among = servers(x)
    const serves = among === null ? compacts : (each: RoutingTarget) => compacts(each) && among(each)
    const facts = plainFacts(x, 'responses.compact', name)
    const first = routing.route(x, { registry, group, facts, serves })
    if (first instanceof GatewayError) return first
    const { from } = first.target
    if (from === null) throw new Error(`${first.target.name} was chosen and compacts nothing`)
    const state = new ForwardState('responses.compact', from, x.path)
    state.modelRequested = name
    state.wantsObject = true
    // Whoever is refused before the first attempt belongs to somebody.
    state.target = first.target
    x.surface = state
    return null
  }
}

function compacts({ target }: RoutingTarget): boolean {
  return target.from !== null && endpointOf(target) !== null
}

function endpointOf(target: ModelTarget) {
  return target.endpointWhere((dialect) => dialect === 'openai-responses')
}

/** The credential that keeps what the request names, or the next one of those that the target may use. */
function laneOf({ credentials, nextLane }: ProviderUpstream, keeper: string | null): number {
  return keeper === null ? (nextLane?.() ?? 0) : Math.max(0, credentials.indexOf(keeper))
}

function parsed(x: Exchange): JsonObject | null {
  try {
    const value = parseExact((x.body ?? Buffer.alloc(0)).toString('utf8'))
    return isObject(value) ? value : null
  } catch {
    return null // it names no model then, which is said
  }
}
