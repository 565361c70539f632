import { GatewayError } from '../errors.ts'
import type { Exchange } from '../exchange.ts'
import type { AnswerHeaders, AnswerPlan, AnswerTap } from '../phases.ts'
import { isHopByHop } from './hop-by-hop.ts'
import { passableNames, passableTrailers, takesTrailers } from './trailers.ts'
import { mapBack, type WayBackRules } from './way-back.ts'

/** Headers of an answer that frame it (they are made anew) or speak for the gateway. */
const REPLACED = new Set(['x-request-id', 'x-ferro-request-id'])

/** Passes an answer on as it comes, without what belongs to the upstream's connection. */
export class RelayTap implements AnswerTap {
  readonly #x: Exchange
  readonly #limit: number
  readonly #wayBack: WayBackRules | null
  #bytes = 0

  constructor(x: Exchange, limit: number, wayBack: WayBackRules | null = null) {
    this.#x = x
    this.#wayBack = wayBack
    this.#limit = limit
  }

  start(_status: number, headers: AnswerHeaders): AnswerPlan | GatewayError {
    const length = headers['content-length']
    if (this.#x.method === 'HEAD') return 'relay'
    if (typeof length === 'string' && Number(length) > this.#limit) return this.#tooLarge()
    return 'relay'
  }

  complete(body: Buffer): Buffer {
    return body
  }

  push(chunk: Buffer): Buffer | GatewayError {
    this.#bytes += chunk.length
    return this.#bytes > this.#limit ? this.#tooLarge() : chunk
  }

  end(): null {
    return null
  }

  headers(headers: AnswerHeaders): string[] {
    const out: string[] = []
    const connection = headers['connection']
    const named = typeof connection === 'string' ? connection : (connection?.join(',') ?? null)
    for (const name in headers) {
      const value = headers[name]
      if (value === undefined || REPLACED.has(name)) continue
      if (name !== 'content-length' && isHopByHop(name, named)) continue
      if (typeof value === 'string') out.push(name, value)
      else for (const each of value) out.push(name, each)
    }
    const x = this.#x
    if (this.#wayBack !== null) mapBack(out, { path: x.path, host: x.head.host }, this.#wayBack)
    const { trailer } = headers
    if (trailer !== undefined && takesTrailers(x)) {
      const names = passableNames(String(trailer))
      if (names !== null) out.push('trailer', names)
    }
    out.push('x-request-id', x.head.clientRequestId ?? x.id, 'x-ferro-request-id', x.id)
    return out
  }

  trailers(trailers: readonly string[]): readonly string[] | null {
    return takesTrailers(this.#x) ? passableTrailers(trailers) : null
  }

  #tooLarge(): GatewayError {
    return new GatewayError('upstream_invalid_response', `The answer is larger than the limit of ${this.#limit} bytes.`)
  }
}
