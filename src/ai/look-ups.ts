import { type Exchange, GatewayError, resume, WAIT } from '../core/index.ts'

/** A look-up ends by itself, whether anybody still waits for it or not. */
const UNHEARD = { cancel: (): void => undefined }

/** What is looked up for requests: each waits for it once, and its gate is asked again when it is known. */
export class LookUps<T> {
  readonly #found = new WeakMap<Exchange, T>()
  readonly #unanswered: string

  /** `unanswered`: what cannot be done when nobody answers, as the client is told it. */
  constructor(unanswered: string) {
    this.#unanswered = unanswered
  }

  /** What was found for a request; undefined: nothing was looked up for it yet. */
  of(x: Exchange): T | undefined {
    return this.#found.get(x)
  }

  /** Has a request wait for an answer; an error in its place ends the request. */
  begin(x: Exchange, answer: Promise<T | GatewayError>): typeof WAIT {
    x.waiting = UNHEARD
    answer.then(
      (found) => {
        if (found instanceof GatewayError) return resume(x, found)
        this.#found.set(x, found)
        resume(x, null)
      },
      () => resume(x, later(`${this.#unanswered} at the moment; try again soon.`)),
    )
    return WAIT
  }
}

/** For what will be known in a moment. */
export function later(message: string): GatewayError {
  return new GatewayError('not_ready', message, { retryAfterSeconds: 1 })
}
