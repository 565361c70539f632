import { createHmac, timingSafeEqual } from 'node:crypto'
import { isObject } from '../../ir/json.ts'

/** Members whose values are ids of files and batches (OpenAI's API reference, "Files", "Batch"). */
const ID_MEMBERS: ReadonlySet<string> = new Set([
  'id',
  'input_file_id',
  'output_file_id',
  'error_file_id',
  'first_id',
  'last_id',
])
const ID = /^(?:file|batch)[-_]/
const MARK = '.at.'
const TAG_CHARACTERS = 16

/** An id as a client holds it, taken apart. */
export interface OriginOfId {
  /** As the provider knows it. */
  readonly id: string
  /** Null where the id does not say it. */
  readonly provider: string | null
  readonly tag: string | null
}

/** Takes an id apart: `file-1`, `file-1.at.vendor`, `file-1.at.vendor.0123456789abcdef`. */
export function readId(text: string): OriginOfId {
  const at = text.lastIndexOf(MARK)
  if (at < 0) return { id: text, provider: null, tag: null }
  const [provider = '', tag = null] = text.slice(at + MARK.length).split('.')
  return { id: text.slice(0, at), provider, tag }
}

/** Where ids come from: their provider, and where keys are bound, who made them. */
export class Origin {
  readonly #provider: string
  readonly #secret: string | null
  readonly #key: string

  /** `secret`: of the provider, known to the gateway alone; null: ids are for all keys. */
  constructor(provider: string, key: string, secret: string | null) {
    this.#provider = provider
    this.#secret = secret
    this.#key = key
  }

  /** The id as the client gets it. */
  wrap(id: string): string {
    const tag = this.#tag(id)
    return `${id}${MARK}${this.#provider}${tag === null ? '' : `.${tag}`}`
  }

  /** Whether this key may use the id. */
  owns({ id, tag }: OriginOfId): boolean {
    const own = this.#tag(id)
    if (own === null) return true
    return tag !== null && tag.length === own.length && timingSafeEqual(Buffer.from(tag), Buffer.from(own))
  }

  /** A JSON answer with all ids in it wrapped. */
  wrapAll(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.wrapAll(item))
    if (!isObject(value)) return value
    const entries = Object.entries(value).map(([name, member]) => {
      if (typeof member === 'string' && ID_MEMBERS.has(name) && ID.test(member)) return [name, this.wrap(member)]
      return [name, name === 'data' ? this.wrapAll(member) : member]
    })
    return Object.fromEntries(entries)
  }

  #tag(id: string): string | null {
    if (this.#secret === null) return null
    const hash = createHmac('sha256', this.#secret).update(`${this.#provider}\n${this.#key}\n${id}`)
    return hash.digest('hex').slice(0, TAG_CHARACTERS)
  }
}
