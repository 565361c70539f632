import { type Exchange, GatewayError, WAIT } from '../../../core/index.ts'
import { responsesMeter } from '../../dialects/openai-responses/meter.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { Usage } from '../../models/price.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import { usageOfTokens } from '../../models/token-usage.ts'
import type { ClaimedUsage } from '../../operations/forward/claimed-usage.ts'
import { ForwardCandidate } from '../../operations/forward/forward-candidate.ts'
import { ForwardState } from '../../operations/forward/forward-state.ts'
import type { ProviderUpstream } from '../../providers/upstreams.ts'
import { isOfMaker, type Maker } from './maker.ts'
import type { Verdict } from './prior.ts'
import { usageOfAnswer } from './relayed-answers.ts'

/** What an answer in the background is called when it is over. */
const OVER: ReadonlySet<unknown> = new Set(['completed', 'failed', 'incomplete', 'cancelled'])

export interface StoredCall {
  /** The answer that is meant. */
  readonly id: string
  /** What follows the id in the path, e.g. `input_items`; null: nothing. */
  readonly below: string | null
  readonly maker: Maker
}

/** Passes calls about answers on to whoever made and keeps them. */
export class RelayStored {
  readonly #registry: ModelRegistry
  readonly #usage: ClaimedUsage

  constructor(registry: ModelRegistry, usage: ClaimedUsage) {
    this.#registry = registry
    this.#usage = usage
  }

  /** `gone` is called when the maker has deleted the answer. */
  pass(x: Exchange, { id, below, maker }: StoredCall, gone: (() => void) | null = null): Verdict {
    const provider = this.#registry.provider(maker.provider)
    const path = provider === null ? null : responsesPath(provider)
    const lane = provider?.credentials.indexOf(maker.credential) ?? -1
    if (provider === null || path === null || lane < 0) return goneMaker(maker)
    const isLook = maker.background && x.method === 'GET' && below === null
    const isOurs = isLook ? this.#usage.of(x, usageOfAnswer(maker.provider, id)) : false
    if (isOurs === WAIT) return WAIT
    const where = `/${encodeURIComponent(id)}${below === null ? '' : `/${below}`}`
    const state = new ForwardState('responses', provider, withQuery(belowPath(path, where), x.query))
    state.lane = lane
    state.isFree = true
    state.modelRequested = maker.model
    state.target =
      maker.model === null
        ? null
        : (this.#registry.resolve(maker.model)?.targets.find(({ target }) => isOfMaker(maker, target))?.target ?? null)
    state.countsUsage = isOurs
    state.readAnswer = (answer) => {
      gone?.()
      return usedBy(answer)
    }
    x.surface = state
    x.candidates = [new ForwardCandidate(state)]
    return null
  }
}

/** Where a provider's answers of this dialect are made; null where it has none. */
export function responsesPath({ endpoints }: ProviderUpstream): string | null {
  const found = endpoints.find(({ endpoint }) => endpoint.dialect === 'openai-responses')
  return found?.endpoint.path('', false) ?? null
}

/** A path below another one, which may have a query. */
export function belowPath(path: string, below: string): string {
  const query = path.indexOf('?')
  return query < 0 ? `${path}${below}` : `${path.slice(0, query)}${below}${path.slice(query)}`
}

export function withQuery(path: string, query: string): string {
  if (query === '') return path
  return `${path}${path.includes('?') ? '&' : '?'}${query}`
}

export function goneMaker({ provider }: Maker): GatewayError {
  const message = `The provider "${provider}", which keeps this, or its credential is not here any more.`
  return new GatewayError('not_found', message)
}

function usedBy(answer: JsonObject): Usage | null {
  if (!OVER.has(answer['status'])) return null
  const usage = responsesMeter.readUsage(answer)
  return usage === null ? null : usageOfTokens(usage)
}
