import { type Exchange, type Gate, GatewayError, resume, WAIT } from '../../../core/index.ts'
import { principalOf } from '../../../governance/index.ts'
import type { ContentPort } from '../../../storage/index.ts'
import { conversationStateOf } from '../../conversation/conversation-state.ts'
import type { KeptAnswers } from './kept-answers.ts'
import { type Referring, referringOf, resolved } from './prior-turns.ts'

export interface ResponsesInspectOptions {
  /** Reads a request that holds everything, and chooses its target. */
  readonly inspect: Gate
  readonly content: ContentPort
  readonly kept: KeptAnswers
  /** A conversation with all its turns is no longer than a body may be. */
  readonly bodyLimit: number
}

/** What a request goes on with, once it was looked up. */
interface Prior {
  readonly parent: string | null
  /** The request with everything in it; null: what it names is not kept here. */
  readonly whole: Buffer | null
}

/**
 * The `inspect` of `/v1/responses` where answers are kept: a request that names the turn before it gets it from the store. One
 * that the upstream itself keeps turns for goes on as it came when the store knows nothing of them.
 */
export function createResponsesInspect({ inspect, content, kept, bodyLimit }: ResponsesInspectOptions): Gate {
  const priors = new WeakMap<Exchange, Prior>()

  const goOn = (x: Exchange, prior: Prior | null): ReturnType<Gate> => {
    const sent = x.body
    if (prior !== null && prior.whole !== null) {
      if (prior.whole.length > bodyLimit) {
        return new GatewayError('request_too_large', 'The conversation with all its turns is too long.')
      }
      x.body = prior.whole
    }
    const verdict = inspect(x)
    if (verdict !== null || sent === null) return verdict
    const translation = conversationStateOf(x)?.prepared?.translation ?? null
    // An upstream of this dialect keeps its answers itself.
    if (translation === null || translation.request.parameters.store === false) return null
    x.keepsBody = true
    kept.expect(x.id, { tenant: principalOf(x).id, parent: prior?.parent ?? null, body: sent })
    return null
  }

  const lookUp = (x: Exchange, asked: Referring): void => {
    resolved(asked, principalOf(x).id, content).then(
      (whole) => {
        priors.set(x, { parent: asked.previous, whole })
        resume(x, null)
      },
      () => resume(x, unreadable()),
    )
  }

  return (x) => {
    const known = priors.get(x)
    if (known !== undefined) return goOn(x, known)
    const asked = x.body === null ? null : referringOf(x.body)
    if (asked === null) return goOn(x, null)
    x.waiting = UNHEARD
    lookUp(x, asked)
    return WAIT
  }
}

/** A look-up that nobody waits for any more ends by itself. */
export const UNHEARD = { cancel: () => undefined }

export function unreadable(): GatewayError {
  return new GatewayError('not_ready', 'Stored answers cannot be read at the moment; try again soon.', {
    retryAfterSeconds: 1,
  })
}
