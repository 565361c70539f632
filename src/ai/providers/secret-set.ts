/** Shorter texts would be found in answers that reveal nothing. */
const SHORTEST = 4
/** An answer may show the token that its request carried, though another one is used by now. */
const TOKENS_KEPT = 2

/** Values of one provider that must never reach a client: those of the configuration, and tokens as they come and go. */
export class SecretSet {
  readonly #fixed: readonly string[]
  readonly #tokens = new Map<object, readonly string[]>()
  #texts: readonly string[]
  #bytes: readonly Buffer[]

  constructor(fixed: Iterable<string> = []) {
    this.#fixed = [...new Set(fixed)].filter((text) => text.length >= SHORTEST)
    this.#texts = this.#fixed
    this.#bytes = this.#texts.map((text) => Buffer.from(text))
  }

  get texts(): readonly string[] {
    return this.#texts
  }

  /** The same, as bodies hold them. */
  get bytes(): readonly Buffer[] {
    return this.#bytes
  }

  /** A new token of one source: its oldest one is forgotten. */
  remember(source: object, token: string): void {
    this.#tokens.set(source, [token, ...(this.#tokens.get(source) ?? [])].slice(0, TOKENS_KEPT))
    this.#texts = [...this.#fixed, ...[...this.#tokens.values()].flat()]
    this.#bytes = this.#texts.map((text) => Buffer.from(text))
  }
}
