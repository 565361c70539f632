import { type Exchange, type Gate, GatewayError, WAIT } from '../../../core/index.ts'
import { principalOf } from '../../../governance/index.ts'
import { conversationStateOf } from '../../conversation/conversation-state.ts'
import type { KeptAnswers } from './kept-answers.ts'
import { type Prior, type PriorTurns, unknownPrior, type Verdict } from './prior.ts'
import { flagsOf, type RelayedAnswers } from './relayed-answers.ts'

export interface ResponsesInspectOptions {
  /** Reads a request that holds everything, and chooses its target. */
  readonly inspect: Gate
  readonly priors: PriorTurns
  /** Null: nothing of conversations is kept here. */
  readonly kept: KeptAnswers | null
  readonly relayed: RelayedAnswers
  /** A conversation with all its turns is no longer than a body may be. */
  readonly bodyLimit: number
}

/**
 * The `inspect` of `/v1/responses`: a request that names the turn before it gets it from the store, or goes to the provider that
 * keeps it. What its answer will be called is remembered, here or by its maker.
 */
export function createResponsesInspect(options: ResponsesInspectOptions): Gate {
  const { inspect, priors, kept, relayed, bodyLimit } = options

  const bodies = new WeakMap<Exchange, Buffer>()

  const goOn = (x: Exchange, prior: Prior | null): Verdict => {
    // Asked again, the request holds the turns before it already.
    const sent = bodies.get(x) ?? x.body
    if (sent !== null) bodies.set(x, sent)
    if (prior !== null) {
      const elsewhere = priors.elsewhere(prior)
      if (elsewhere !== null) return elsewhere
      if (prior.whole !== null) {
        if (prior.whole.length > bodyLimit) {
          return new GatewayError('request_too_large', 'The conversation with all its turns is too long.')
        }
        x.body = prior.whole
      }
    }
    const verdict = inspect(x)
    const state = conversationStateOf(x)
    const prepared = state?.prepared ?? null
    if (verdict !== null || sent === null || state === null || prepared === null) return verdict
    if (prepared.translation === null && prior !== null && prior.whole === null && prior.maker === null) {
      const unknown = unknownPrior(prior)
      if (unknown !== null) return unknown
    }
    state.credential = prior?.maker?.credential ?? null
    if (prior !== null && prior.whole === null) state.storedTokens = prior.usedTokens
    const flags = flagsOf(sent)
    if (!flags.isKept) return null
    if (prepared.translation === null) {
      // An upstream of this dialect keeps its answers itself.
      relayed.expect(x, state, { ...flags, conversation: prior?.asked.conversation ?? null })
      return null
    }
    if (kept === null) return null
    x.keepsBody = true
    kept.expect(x.id, { tenant: principalOf(x).id, parent: prior?.asked.previous ?? null, body: sent })
    return null
  }

  return (x) => {
    const prior = priors.of(x)
    return prior === WAIT ? WAIT : goOn(x, prior)
  }
}
