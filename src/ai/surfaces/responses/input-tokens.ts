import { type Gate, GatewayError, WAIT } from '../../../core/index.ts'
import type { TokenCounting } from '../../counting/count-route.ts'
import { type PriorTurns, unknownPrior } from './prior.ts'

export interface InputTokensOptions {
  readonly priors: PriorTurns
  readonly counting: TokenCounting
  readonly bodyLimit: number
}

/** `POST /v1/responses/input_tokens`: the tokens of a request, with all that it goes on with. */
export function createInputTokens({ priors, counting, bodyLimit }: InputTokensOptions): Gate {
  return (x) => {
    const prior = priors.of(x)
    if (prior === WAIT) return WAIT
    if (prior !== null) {
      const elsewhere = priors.elsewhere(prior)
      if (elsewhere !== null) return elsewhere
      if (prior.whole === null && prior.maker === null) {
        const unknown = unknownPrior(prior)
        if (unknown !== null) return unknown
      }
      if (prior.whole !== null) {
        if (prior.whole.length > bodyLimit) {
          return new GatewayError('request_too_large', 'The conversation with all its turns is too long.')
        }
        x.body = prior.whole
      }
    }
    return counting.count(x, { dialect: 'openai-responses', pathModel: null, kept: prior?.maker ?? undefined })
  }
}
