import type { ContentPort } from '../../../storage/index.ts'
import { isObject } from '../../ir/json.ts'
import { type BatchFacts, readFacts } from './batch-facts.ts'

const DAY_MS = 86_400_000
/** Vendors keep files until somebody deletes them. */
const KNOWN_MS = 400 * DAY_MS
/** Of all keys, where things are not bound to them. */
const ANYBODY = ''

/** Something that a provider keeps for a key: a file, a batch, a vector store… */
export interface KeptThing {
  readonly provider: string
  /** Name of the provider's credential that it was made with. */
  readonly credential: string
  /** Of a file whose lines are requests: what they ask for. */
  readonly batch: BatchFacts | null
}

/** A thing and where it stands among others. */
export interface NamedThing extends KeptThing {
  /** As its provider knows it. */
  readonly id: string
  /** E.g. `files`. */
  readonly kind: string
}

/**
 * What keys have made at providers, sealed in the store of content. What is lost of it costs lists an entry and batches a new
 * upload; who owns what is said by the ids themselves.
 */
export class KeptThings {
  readonly #content: ContentPort | null
  readonly #maxBytes: number
  readonly #isBound: boolean

  constructor(
    content: ContentPort | null,
    { maxBytes, isBound }: { readonly maxBytes: number; readonly isBound: boolean },
  ) {
    this.#content = content
    this.#maxBytes = maxBytes
    this.#isBound = isBound
  }

  keep(key: string, { id, kind, provider, credential, batch }: NamedThing): void {
    const content = {
      id: nameOf(provider, id),
      parent: listOf(kind, provider),
      items: [nameOf(provider, id), `thing ${id}`],
      text: JSON.stringify({ thing: { provider, credential, batch } }),
    }
    this.#content?.keep(this.#tenant(key), content, { ttlMs: KNOWN_MS, maxBytes: this.#maxBytes })
  }

  /** `provider`: null where the id does not say it. Rejects when the store does not answer. */
  async find(key: string, id: string, provider: string | null): Promise<KeptThing | null> {
    const name = provider === null ? `thing ${id}` : nameOf(provider, id)
    const [text] = (await this.#content?.holders(this.#tenant(key), [name])) ?? []
    return text === undefined ? null : readThing(text)
  }

  /** Ids of all things of a kind, as the provider knows them; null where nobody keeps them. */
  async listed(key: string, kind: string, provider: string): Promise<ReadonlySet<string> | null> {
    if (this.#content === null) return null
    const names = await this.#content.under(this.#tenant(key), listOf(kind, provider))
    const start = nameOf(provider, '').length
    return new Set(names.map((name) => name.slice(start)))
  }

  remove(key: string, id: string, provider: string): void {
    this.#content?.remove(this.#tenant(key), nameOf(provider, id)).catch(() => undefined) // its time will pass
  }

  #tenant(key: string): string {
    return this.#isBound ? key : ANYBODY
  }
}

function nameOf(provider: string, id: string): string {
  return `thing ${provider} ${id}`
}

function listOf(kind: string, provider: string): string {
  return `${kind} of ${provider}`
}

function readThing(text: string): KeptThing | null {
  if (!text.startsWith('{"thing":')) return null
  const value: unknown = JSON.parse(text)
  const thing = isObject(value) ? value['thing'] : null
  if (!isObject(thing)) return null
  const { provider, credential, batch } = thing
  if (typeof provider !== 'string' || typeof credential !== 'string') return null
  return { provider, credential, batch: readFacts(batch) }
}
