import type { Exchange } from '../../core/index.ts'
import { createScanner, type JsonScanner, patchTopLevel } from '../../lib/index.ts'
import type { Losses } from '../ir/losses.ts'

const MAX_DEPTH = 64
const HEADER = 'anthropic-beta'

/** Betas of an upstream that reads them from the body instead of a header, and refuses those that it does not know. */
export interface BodyBetas {
  readonly member: string
  /** Those that it knows, without the date behind their names. */
  readonly known: readonly string[]
}

/** Puts the betas that a client asks for by a header into the body. */
export class BetaMember {
  readonly #betas: BodyBetas
  readonly #scanner: JsonScanner

  constructor(betas: BodyBetas) {
    this.#betas = betas
    this.#scanner = createScanner([betas.member], { maxDepth: MAX_DEPTH })
  }

  /** A body that a scan has accepted. Betas that stay behind are told. */
  apply(x: Exchange, body: Buffer, losses: Losses): Buffer {
    const asked = (x.head.get(HEADER) ?? '').split(',').map((name) => name.trim())
    const names = asked.filter((name) => name !== '')
    const known = names.filter((name) => this.#betas.known.includes(name.replace(/-\d{4}-\d{2}-\d{2}$/, '')))
    if (known.length < names.length) losses.drop(HEADER)
    if (known.length === 0) return body
    const scanned = this.#scanner.scan(body)
    // A client that names them in the body itself means those.
    if (scanned.kind !== 'object' || scanned.has(0)) return body
    return patchTopLevel(body, scanned, [{ kind: 'set', index: 0, json: JSON.stringify(known) }])
  }
}
