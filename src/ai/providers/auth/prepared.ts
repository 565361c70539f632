import type { UpstreamRequest } from '../../../core/index.ts'
import type { Authenticator } from './credential-transport.ts'

/** Lets the first requests wait for what must be there before their answers come; `inner` says who sends them. */
export class Prepared implements Authenticator {
  readonly #inner: Authenticator | null
  readonly #prepare: () => Promise<void>
  #ready = false

  constructor(inner: Authenticator | null, prepare: () => Promise<void>) {
    this.#inner = inner
    this.#prepare = prepare
  }

  headers(request: UpstreamRequest): readonly string[] | Promise<readonly string[]> {
    if (this.#ready) return this.#inner?.headers(request) ?? []
    return this.#prepared(request)
  }

  async #prepared(request: UpstreamRequest): Promise<readonly string[]> {
    await this.#prepare()
    this.#ready = true
    return (await this.#inner?.headers(request)) ?? []
  }
}
