import {
  type AnswerHeaders,
  type AnswerPlan,
  type AnswerTap,
  type Candidate,
  type Exchange,
  GatewayError,
  type Upstream,
  type UpstreamRequest,
} from '../../core/index.ts'
import { callerDialect } from '../conversation/caller-dialect.ts'
import { requestIdHeaders } from '../conversation/errors.ts'
import { FieldProblem } from '../ir/fields.ts'
import { type JsonObject, objectIn } from '../ir/json.ts'
import { forwardedHeaders } from '../models/forwarded-headers.ts'
import type { ModelTarget } from '../models/target.ts'
import type { TargetEndpoint } from '../models/target-endpoint.ts'
import { errorOfStatus, reveals } from '../relay/upstream-error.ts'
import { mediaTypeOf } from '../translate/media-types.ts'

/** Who counted: the model's vendor; its public tokenizer, or a rule of thumb, here. */
export type CountSource = 'vendor' | 'exact' | 'estimated'

export interface CountOptions {
  readonly target: ModelTarget
  /** Null where nobody but the gateway is asked. */
  readonly endpoint: TargetEndpoint | null
  /** In place of the target's. */
  readonly upstream?: Upstream
  readonly source: CountSource
  /** Which of the provider's credentials it goes with; absent: as they take turns. */
  readonly lane?: number | undefined
  readonly path: string
  readonly body: Buffer
  /** Null when the upstream's answer does not say it. */
  readonly read: (body: JsonObject) => number | null
  /** Client and vendor speak the same: the answer goes on as it is. */
  readonly relays?: boolean
  /** The client's answer. */
  readonly answer: (tokens: number) => JsonObject
}

/** Asks the model's own vendor how many tokens a request has. It costs nothing, and no budget is taken for it. */
export class CountCandidate implements Candidate {
  readonly name: string
  readonly upstream: Upstream
  readonly target: ModelTarget
  readonly #options: CountOptions

  constructor(options: CountOptions) {
    this.name = options.target.name
    this.upstream = options.upstream ?? options.target.upstream
    this.target = options.target
    this.#options = options
  }

  encode(x: Exchange): UpstreamRequest {
    const { endpoint, path, body, lane } = this.#options
    if (endpoint === null) return { method: 'POST', path, headers: [], body }
    const headers = forwardedHeaders(x, endpoint.endpoint.forwards, endpoint.ownHeaders)
    return { method: 'POST', path, fixed: endpoint.fixed, headers, body, lane }
  }

  open(x: Exchange): AnswerTap {
    return new CountTap(x, this.#options)
  }
}

class CountTap implements AnswerTap {
  readonly #x: Exchange
  readonly #options: CountOptions
  #status = 0
  #headers: AnswerHeaders = {}

  constructor(x: Exchange, options: CountOptions) {
    this.#x = x
    this.#options = options
  }

  start(status: number, headers: AnswerHeaders): AnswerPlan | GatewayError {
    this.#status = status
    this.#headers = headers
    if (status >= 400) return 'buffer'
    return status === 200 && mediaTypeOf(headers).endsWith('json') ? 'buffer' : this.#invalid()
  }

  complete(body: Buffer): Buffer | GatewayError {
    const { target, endpoint, read, relays, answer } = this.#options
    const value = objectIn(body)
    if (this.#status >= 400) {
      const said = value === null ? null : (endpoint?.dialect?.decodeError(value)?.message ?? null)
      const shown = said === null || target.secretTexts.some((secret) => said.includes(secret)) ? null : said
      return errorOfStatus(target, this.#status, this.#headers, shown, null, body)
    }
    try {
      const tokens = value === null ? null : read(value)
      if (tokens === null) return this.#invalid()
      // It may say more than the number, but never a secret.
      const passes = relays === true && !reveals(target, body)
      return passes ? body : Buffer.from(JSON.stringify(answer(tokens)))
    } catch (error) {
      if (error instanceof FieldProblem) return this.#invalid()
      throw error
    }
  }

  push(chunk: Buffer): GatewayError {
    // A very long error is told by its status, and by its beginning.
    const error = this.#status >= 400 ? this.complete(chunk) : null
    return error instanceof GatewayError ? error : this.#invalid()
  }

  end(): GatewayError {
    return this.#invalid()
  }

  headers(_headers: AnswerHeaders, body: Buffer | null): string[] {
    const { target, source } = this.#options
    const out = ['content-type', 'application/json', 'content-length', String(body?.length ?? 0)]
    out.push('x-request-id', this.#x.head.clientRequestId ?? this.#x.id, 'x-ferro-request-id', this.#x.id)
    out.push('x-ferro-model', target.name, 'x-ferro-token-count', source)
    out.push(...requestIdHeaders(callerDialect(this.#x), this.#x))
    return out
  }

  #invalid(): GatewayError {
    const { name } = this.#options.target.upstream
    return new GatewayError('upstream_invalid_response', `${name} did not say how many tokens there are.`)
  }
}
