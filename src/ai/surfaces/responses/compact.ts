import { type Exchange, type Gate, GatewayError, WAIT } from '../../../core/index.ts'
import { allowed, type Servers, unknownModel } from '../../conversation/conversation-route.ts'
import { isObject, type JsonObject, parseExact, writeJson } from '../../ir/json.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import type { ModelTarget } from '../../models/target.ts'
import { ForwardCandidate } from '../../operations/forward/forward-candidate.ts'
import { ForwardState } from '../../operations/forward/forward-state.ts'
import type { ProviderUpstream } from '../../providers/upstreams.ts'
import { chooseTarget } from '../../routing/choose.ts'
import { plainFacts } from '../../routing/request-facts.ts'
import { type PriorTurns, unknownPrior } from './prior.ts'
import { belowPath } from './relay-stored.ts'

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
    const serves = servers(x) ?? (() => true)
    const chosen = chooseTarget(x, { registry, group, facts: plainFacts(x, 'responses.compact', name), serves })
    if (chosen instanceof GatewayError) return chosen
    const { target } = chosen
    const provider = registry.provider(target.provider)
    const endpoint = target.endpointWhere((dialect) => dialect === 'openai-responses')
    const body = parsed(x)
    if (provider === null || endpoint === null || body === null) {
      const message = `The model "${name.slice(0, 128)}" compacts nothing: its provider does not speak this dialect.`
      return new GatewayError('invalid_request', message, { param: 'model' })
    }
    const state = new ForwardState('responses.compact', provider, belowPath(endpoint.path(false), '/compact'))
    state.modelRequested = name
    state.target = target
    state.body = Buffer.from(writeJson({ ...body, model: endpoint.modelName }))
    state.mostTokens = state.body.length + outputTokens
    state.lane = laneOf(provider, target, prior?.maker?.credential ?? null)
    x.surface = state
    x.candidates = [new ForwardCandidate(state)]
    return null
  }
}

/** The credential that keeps what the request names, or the next one of those that the target may use. */
function laneOf(provider: ProviderUpstream, target: ModelTarget, keeper: string | null): number {
  const [only] = target.credentials
  const own = keeper ?? (target.credentials.length === 1 ? (only ?? null) : null)
  return own === null ? (provider.nextLane?.() ?? 0) : Math.max(0, provider.credentials.indexOf(own))
}

function parsed(x: Exchange): JsonObject | null {
  try {
    const value = parseExact((x.body ?? Buffer.alloc(0)).toString('utf8'))
    return isObject(value) ? value : null
  } catch {
    return null // it names no model then, which is said
  }
}
