import { type Exchange, GatewayError, WAIT } from '../../../core/index.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import type { ClaimedUsage } from '../../operations/forward/claimed-usage.ts'
import { ForwardCandidate } from '../../operations/forward/forward-candidate.ts'
import { ForwardState } from '../../operations/forward/forward-state.ts'
import type { Maker } from './maker.ts'
import type { Verdict } from './prior.ts'
import { usageOfAnswer } from './relayed-answers.ts'
import { belowPath, responsesPath, targetOf, usageWhenOver } from './response-look.ts'

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
    const thing = usageOfAnswer(maker.provider, id)
    const isOurs = isLook ? this.#usage.of(x, thing) : false
    if (isOurs === WAIT) return WAIT
    const where = `/${encodeURIComponent(id)}${below === null ? '' : `/${below}`}`
    const state = new ForwardState('responses', provider, withQuery(belowPath(path, where), x.query))
    state.lane = lane
    state.isFree = true
    state.modelRequested = maker.model
    state.target = targetOf(maker, this.#registry)
    state.countsUsage = isOurs
    state.isOwed = isOurs
    state.readAnswer = (answer) => {
      gone?.()
      return usageWhenOver(answer, () => this.#usage.free(thing))
    }
    x.surface = state
    x.candidates = [new ForwardCandidate(state)]
    return null
  }
}

export function withQuery(path: string, query: string): string {
  if (query === '') return path
  return `${path}${path.includes('?') ? '&' : '?'}${query}`
}

export function goneMaker({ provider }: Maker): GatewayError {
  const message = `The provider "${provider}", which keeps this, or its credential is not here any more.`
  return new GatewayError('not_found', message)
}
