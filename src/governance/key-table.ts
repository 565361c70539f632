import type { KeyDocument } from './key-document.ts'
import { HashForms } from './key-hashes.ts'
import { type KeyLife, KeyPrincipal } from './key-principal.ts'
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
    const { document } = change
    const lives = this.#remove(change)
    this.levels.setRules(keyLevel(change.id), document?.rules)
    if (document === null) return
    const expiresAt = document.expiresAt ?? Number.POSITIVE_INFINITY
    const principal = new KeyPrincipal(document, this.levels, { life: goingOn(lives, document.hash, expiresAt) })
    this.#byId.set(principal.id, principal)
    this.#learn(principal)
    if (document.previous === null) return
    // The same key under the secret of before, with an end of its own.
    const { hash, untilMs } = document.previous
    const endsAt = Math.min(untilMs, expiresAt)
    const life = goingOn(lives, hash, endsAt)
    const before = new KeyPrincipal({ ...document, hash, expiresAt: endsAt }, this.levels, { life })
    this.#previous.set(before.id, before)
    this.#learn(before)
  }

  /** Forgets a key as it was; answers the lives of its secrets that go on. */
  #remove({ id, document }: KeyChange): ReadonlyMap<string, KeyLife> {
    const lives = new Map<string, KeyLife>()
    for (const old of [this.#byId.get(id), this.#previous.get(id)]) {
      if (old === undefined) continue
      this.#forget(old)
      const { hash, life } = old
      if (document?.enabled === true && (document.hash === hash || document.previous?.hash === hash))
        lives.set(hash, life)
      else life.endsAt = Number.NEGATIVE_INFINITY
    }
    this.#previous.delete(id)
    this.#byId.delete(id)
    return lives
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

function goingOn(lives: ReadonlyMap<string, KeyLife>, hash: string, endsAt: number): KeyLife {
  const life = lives.get(hash) ?? { endsAt }
  life.endsAt = endsAt
  return life
}
