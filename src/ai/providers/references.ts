import { isCredentialHeader, resolveReference } from '../../config/index.ts'

/** A shorter part of a value, such as the name of a region, would be found in texts that reveal nothing. */
const SHORTEST_PART = 8

/** Looks up the references of one provider, here and nowhere earlier, and notes which of their values are secrets. */
export class References {
  readonly #provider: string
  readonly #environment: Readonly<Record<string, string | undefined>>
  readonly #secrets = new Set<string>()

  constructor(provider: string, environment: Readonly<Record<string, string | undefined>>) {
    this.#provider = provider
    this.#environment = environment
  }

  get secrets(): ReadonlySet<string> {
    return this.#secrets
  }

  /** The value of a text that is no secret. Throws an Error that names the key. */
  text(key: string, text: string): string {
    return this.#resolve(key, text).value
  }

  /** The same of a credential. */
  secret(key: string, text: string): string {
    const { value, parts } = this.#resolve(key, text)
    this.#secrets.add(value)
    // What is shown elsewhere may be the token without its scheme, or one reference of several.
    for (const part of [value.split(' ').at(-1) ?? '', ...parts]) {
      if (part.length >= SHORTEST_PART) this.#secrets.add(part)
    }
    return value
  }

  /** The same of a header: a credential by its name, or because its value is kept elsewhere. */
  header(key: string, name: string, text: string): string {
    const { value } = this.#resolve(key, text)
    return value !== text || isCredentialHeader(name) ? this.secret(key, text) : value
  }

  #resolve(key: string, text: string): { value: string; parts: readonly string[] } {
    const result = resolveReference(text, this.#environment)
    if (!result.ok) throw new Error(`providers.${this.#provider}.${key}: ${result.missing}`)
    return { value: result.secret.reveal(), parts: result.parts.map((part) => part.reveal()) }
  }
}
