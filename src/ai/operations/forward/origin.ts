import { createHmac, timingSafeEqual } from 'node:crypto'
import { isObject, type JsonObject } from '../../ir/json.ts'

/** Members whose values are ids of what providers keep (OpenAI's API reference, 2026-11). */
const ID_MEMBERS: ReadonlySet<string> = new Set([
  'id',
  'file_id',
  'input_file_id',
  'output_file_id',
  'error_file_id',
  'vector_store_id',
  'container_id',
])
/** Where lists say which of their entries come first and last. */
const CURSORS = ['first_id', 'last_id'] as const
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
  readonly provider: string
  readonly #secret: string | null
  readonly #key: string

  /** `secret`: of the provider, known to the gateway alone; null: ids are for all keys. */
  constructor(provider: string, key: string, secret: string | null) {
    this.provider = provider
    this.#secret = secret
    this.#key = key
  }

  /** The id as the client gets it. */
  wrap(id: string): string {
    const tag = this.#tag(id)
    return `${id}${MARK}${this.provider}${tag === null ? '' : `.${tag}`}`
  }

  /** Whether the id says that this key may use it. */
  owns({ id, tag }: OriginOfId): boolean {
    const own = this.#tag(id)
    if (own === null) return true
    return tag !== null && tag.length === own.length && timingSafeEqual(Buffer.from(tag), Buffer.from(own))
  }

  /** A JSON answer with all ids in it wrapped. `listed`: of a list the entries that are the key's; null: all are. */
  wrapAll(value: unknown, listed: ReadonlySet<string> | null = null): unknown {
    if (Array.isArray(value)) return value.map((item) => this.wrapAll(item))
    if (!isObject(value)) return value
    const { data } = value
    const entries = Array.isArray(data) && listed !== null ? data.filter((entry) => isListed(entry, listed)) : data
    const wrapped = Object.entries(value).map(([name, member]) => {
      if (typeof member === 'string' && ID_MEMBERS.has(name)) return [name, this.wrap(member)]
      return [name, name === 'data' ? this.wrapAll(entries) : member]
    })
    const told = Object.fromEntries(wrapped) as Record<string, unknown> // the names of an object
    for (const name of CURSORS) {
      const cursor = value[name]
      if (typeof cursor === 'string')
        told[name] = listed === null || listed.has(cursor) ? this.wrap(cursor) : this.#cursor(cursor)
    }
    return told
  }

  /** Another key's entry is a place in the list, and opens nothing. */
  #cursor(id: string): string {
    return `${id}${MARK}${this.provider}`
  }

  #tag(id: string): string | null {
    if (this.#secret === null) return null
    const hash = createHmac('sha256', this.#secret).update(`${this.provider}\n${this.#key}\n${id}`)
    return hash.digest('hex').slice(0, TAG_CHARACTERS)
  }
}

/** Where APIs put the entries of a list. */
const LISTS = ['data', 'files', 'cachedContents'] as const

/** A list with those of its entries that are the key's; null: all are. */
export function onlyListed(answer: JsonObject, listed: ReadonlySet<string> | null): JsonObject {
  if (listed === null) return answer
  const own = LISTS.flatMap((name) => {
    const entries = answer[name]
    return Array.isArray(entries) ? [[name, entries.filter((entry) => isListed(entry, listed))]] : []
  })
  return { ...answer, ...Object.fromEntries(own) }
}

function isListed(entry: unknown, listed: ReadonlySet<string>): boolean {
  const id = isObject(entry) ? (entry['id'] ?? entry['name']) : null
  return typeof id === 'string' && listed.has(id)
}
