import type { AnswerHeaders, AnswerPlan, AnswerTap, GatewayError } from '../../core/index.ts'
import { mediaTypeOf } from './media-types.ts'

const STREAM = 'text/event-stream'

/**
 * Relays an answer unless the upstream chose another form than the client asked for, a whole answer in place of a stream or the other
 * way round: then it is read and written anew in the client's form, as between two dialects.
 */
export class OtherFormTap implements AnswerTap {
  readonly #wantsStream: boolean
  readonly #rewrite: () => AnswerTap | null
  #inner: AnswerTap

  /** `rewrite`: makes the tap for an answer in the other form; null where that cannot be, and the relay says what is wrong. */
  constructor(relay: AnswerTap, wantsStream: boolean, rewrite: () => AnswerTap | null) {
    this.#inner = relay
    this.#wantsStream = wantsStream
    this.#rewrite = rewrite
  }

  start(status: number, headers: AnswerHeaders): AnswerPlan | GatewayError {
    if (status === 200) {
      const type = mediaTypeOf(headers)
      const isOther = this.#wantsStream ? type === 'application/json' || type.endsWith('+json') : type === STREAM
      if (isOther) this.#inner = this.#rewrite() ?? this.#inner
    }
    return this.#inner.start(status, headers)
  }

  complete(body: Buffer): Buffer | GatewayError {
    return this.#inner.complete(body)
  }

  push(chunk: Buffer): Buffer | GatewayError | null {
    return this.#inner.push(chunk)
  }

  end(): Buffer | GatewayError | null {
    return this.#inner.end()
  }

  get silent(): boolean {
    return this.#inner.silent === true
  }

  get heartbeat(): NonNullable<AnswerTap['heartbeat']> | null {
    return this.#inner.heartbeat ?? null
  }

  headers(headers: AnswerHeaders, body: Buffer | null): string[] {
    return this.#inner.headers(headers, body)
  }
}
