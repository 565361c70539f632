import type { ConfigDocument } from '../config/index.ts'
import { type Admin, adminOf } from '../control/index.ts'
import { HashForms } from '../governance/index.ts'

type AdminsConfig = ConfigDocument['control']['admins']

/** The admins of a configuration, by their tokens. */
export class Admins {
  /** What they were made of. */
  readonly of: AdminsConfig
  readonly #byHash: ReadonlyMap<string, AdminsConfig[number]>
  readonly #forms: HashForms

  constructor(admins: AdminsConfig, pepper: string) {
    this.of = admins
    this.#byHash = new Map(admins.map((admin) => [admin.hash, admin]))
    this.#forms = new HashForms(pepper)
    for (const { hash } of admins) this.#forms.add(hash)
  }

  /** Who has this token now; null: nobody, or it is switched off or over. */
  find(token: string, nowMs: number): Admin | null {
    const found = this.#forms.find(token, (hash) => this.#byHash.get(hash))
    if (found === null || !found.enabled || (found.expires_at ?? Number.POSITIVE_INFINITY) <= nowMs) return null
    return adminOf(found)
  }
}
