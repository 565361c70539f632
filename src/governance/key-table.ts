import type { KeyDocument } from './key-document.ts'
import { HashForms } from './key-hashes.ts'
import { KeyPrincipal } from './key-principal.ts'
import { keyLevel } from './level-document.ts'
import { LevelTable } from './level-table.ts'

/** Secrets longer than this are not keys of ours: refused before they are hashed. */
export const MAX_SECRET_BYTES = 512
const SEEN_SECRETS = 4_096

/** A change of one key; `document` null removes it. */
export interface KeyChange {
  readonly id: string
  readonly document: KeyDocument | null
}

/** All keys that this thread knows, looked up by the hash of the presented secret. */
export class KeyTable {
  readonly #byHash = new Map<string, KeyPrincipal>()
  readonly #byId = new Map<string, KeyPrincipal>()
  /** Keys in the grace period of a rotation, under the secret that goes out of use. */
  readonly #previous = new Map<string, KeyPrincipal>()
  /** Keys by the whole presented secret, so that it is hashed once; as long-lived as the process's other secrets. */
  readonly #seen = new Map<string, KeyPrincipal>()
  readonly #generations: Int32Array
  readonly #forms: HashForms
  /** Takes changes that are queued but not yet applied: called when the table may be behind. */
  readonly #catchUp: () => void
  /** The levels that its keys point at. */
  readonly levels = new LevelTable()

  constructor(options: { generations: Int32Array; pepper: string; catchUp: () => void }) {
    this.#generations = options.generations
    this.#forms = new HashForms(options.pepper)
    this.#catchUp = options.catchUp
  }

  get size(): number {
    return this.#byId.size
  }

  apply(change: KeyChange): void {
    const old = this.#byId.get(change.id)
    if (old !== undefined) {
      this.#forget(old)
      const before = this.#previous.get(old.id)
      if (before !== undefined) this.#forget(before)
      this.#previous.delete(old.id)
      this.#byId.delete(change.id)
    }
    const { document } = change
    this.levels.setRules(keyLevel(change.id), document?.rules)
    if (document === null) return
    const principal = new KeyPrincipal(document, this.levels)
    this.#byId.set(principal.id, principal)
    this.#learn(principal)
    if (document.previous === null) return
    // The same key under the secret of before, with an end of its own.
    const { hash, untilMs } = document.previous
    const expiresAt = Math.min(untilMs, document.expiresAt ?? untilMs)
    const before = new KeyPrincipal({ ...document, hash, expiresAt }, this.levels)
    this.#previous.set(before.id, before)
    this.#learn(before)
  }

  #learn(principal: KeyPrincipal): void {
    this.#byHash.set(principal.hash, principal)
    this.#forms.add(principal.hash)
  }

  #forget(principal: KeyPrincipal): void {
    if (this.#byHash.get(principal.hash) === principal) this.#byHash.delete(principal.hash)
    this.#forms.remove(principal.hash)
  }

  get(id: string): KeyPrincipal | null {
    return this.#byId.get(id) ?? null
  }

  /** The key of a presented secret, in its newest form; null when there is none. Enabled and expiry are not checked. */
  find(secret: string): KeyPrincipal | null {
    const seen = this.#seen.get(secret)
    // No older form than the one in force has its generation.
    if (seen !== undefined && this.#isCurrent(seen)) return seen
    let found = this.#lookup(secret)
    if (found === null || !this.#isCurrent(found)) {
      // Control posts a change before it raises the generation or answers that a key is made: the change is in this
      // thread's queue by now.
      this.#catchUp()
      found = this.#lookup(secret)
      if (found === null || !this.#isCurrent(found)) return null
    }
    // No order of use is kept: moving an entry at each request would cost more than hashing everything again.
    if (this.#seen.size >= SEEN_SECRETS) this.#seen.clear()
    this.#seen.set(secret, found)
    return found
  }

  /** A form that arrived before its generation was raised is as good as one that arrived behind it. */
  #isCurrent(principal: KeyPrincipal): boolean {
    return principal.generation >= Atomics.load(this.#generations, principal.generationSlot)
  }

  #lookup(secret: string): KeyPrincipal | null {
    return this.#forms.find(secret, (hash) => this.#byHash.get(hash))
  }
}
