import type { Authenticator } from './credential-transport.ts'
import { type Expiring, ExpiringValue } from './expiring.ts'

/** Sends a token that is fetched and renewed. */
export class BearerToken implements Authenticator {
  readonly #token: ExpiringValue<string>
  #last: { readonly token: string; readonly headers: readonly string[] } | null = null

  /** `onToken` is told each new token: what must not be shown. */
  constructor(obtain: () => Promise<Expiring<string>>, now: () => number, onToken: (token: string) => void) {
    this.#token = new ExpiringValue(obtain, now, onToken)
  }

  headers(): readonly string[] | Promise<readonly string[]> {
    const token = this.#token.get()
    return typeof token === 'string' ? this.#with(token) : token.then((value) => this.#with(value))
  }

  #with(token: string): readonly string[] {
    if (this.#last?.token !== token) this.#last = { token, headers: ['authorization', `Bearer ${token}`] }
    return this.#last.headers
  }
}
