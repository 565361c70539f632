import { createHmac, hash } from 'node:crypto'

/** A form in which the hash of a key may be stored: the word before the colon, and how it is made of a secret. */
interface HashForm {
  readonly prefix: string
  readonly of: (secret: string, pepper: string) => string
}

/** The usual one first. */
const FORMS: readonly HashForm[] = [
  { prefix: 'sha256:', of: (secret) => hash('sha256', secret) },
  { prefix: 'hmac-sha256:', of: (secret, pepper) => createHmac('sha256', pepper).update(secret).digest('hex') },
  { prefix: 'blake2b:', of: (secret) => hash('blake2b512', secret) },
]

/** Which forms the keys of a table have, so that a secret is hashed in no other. */
export class HashForms {
  readonly #counts = FORMS.map(() => 0)
  readonly #pepper: string

  constructor(pepper: string) {
    this.#pepper = pepper
  }

  add(hashText: string): void {
    this.#change(hashText, 1)
  }

  remove(hashText: string): void {
    this.#change(hashText, -1)
  }

  /** What `lookup` finds for the first of the secret's hashes that it knows; null when it knows none. */
  find<T>(secret: string, lookup: (hashText: string) => T | undefined): T | null {
    for (let at = 0; at < FORMS.length; at++) {
      if (this.#counts[at] === 0) continue
      const { prefix, of } = FORMS[at] as HashForm // in range
      const found = lookup(prefix + of(secret, this.#pepper))
      if (found !== undefined) return found
    }
    return null
  }

  #change(hashText: string, by: number): void {
    const at = FORMS.findIndex(({ prefix }) => hashText.startsWith(prefix))
    if (at >= 0) this.#counts[at] = (this.#counts[at] ?? 0) + by
  }
}
