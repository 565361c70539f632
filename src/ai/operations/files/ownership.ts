import type { ConfigDocument } from '../../../config/index.ts'
import { GatewayError } from '../../../core/index.ts'
import type { ContentPort } from '../../../storage/index.ts'
import { LookUps } from '../../look-ups.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import { Origin, type OriginOfId } from '../forward/origin.ts'
import { KeptThings } from './kept-things.ts'
import type { Reference } from './references.ts'

/** Kinds whose API has files and batches in OpenAI's shape (their API references, 2026-11). */
const KEEPING: ReadonlySet<string> = new Set([
  'openai',
  'azure-openai',
  'groq',
  'novita',
  'qwen',
  'mistral',
  'together',
  'openai-compatible',
  'litellm',
])
/** Providers make containers by themselves, and answers tell their names as they are: nobody else can guess them. */
const FREE = /^(?:cntr|container)_/

/** Names of Google's things; other addresses are of nobody here. */
const GOOGLES = /^(?:files|cachedContents)\/[^/]+$/

/** Who keeps what a request names. */
export interface Keeper {
  readonly provider: string
  /** Name of one of the provider's credentials. */
  readonly credential: string
}

/** Answers to whose something is, for requests that name it. */
export function ownerLookUps<T>(): LookUps<T> {
  return new LookUps('Whose this is cannot be looked up')
}

/** Says whose the things are that providers keep: of which provider, and which key made them. */
export class Ownership {
  readonly registry: ModelRegistry
  readonly isBound: boolean
  /** Names of the providers that keep files in OpenAI's shape. */
  readonly keepers: readonly string[]
  readonly things: KeptThings

  constructor(registry: ModelRegistry, document: ConfigDocument, content: ContentPort | null) {
    this.registry = registry
    this.isBound = document.files.bind_keys
    this.keepers = Object.entries(document.providers)
      .filter(([, { kind }]) => KEEPING.has(kind))
      .map(([name]) => name)
    this.things = new KeptThings(content, { maxBytes: document.content.max_bytes, isBound: this.isBound })
  }

  /** How ids of a provider are told to a key; null: as they are. */
  originOf(key: string, provider: string): Origin | null {
    const { isBound, keepers, registry } = this
    if (!isBound && keepers.length < 2) return null
    const secret = isBound ? (registry.provider(provider)?.secrets.texts[0] ?? provider) : null
    return new Origin(provider, key, secret)
  }

  /** Whether a key may use a thing of a provider. Rejects when the store does not answer. */
  async mayUse(key: string, named: OriginOfId, provider: string): Promise<boolean> {
    if (!this.isBound || this.originOf(key, provider)?.owns(named) === true) return true
    return named.tag === null && (await this.things.find(key, named.id, provider)) !== null
  }

  /** Who keeps all that a request names; null: nobody in particular. Rejects when the store does not answer. */
  async keeperOf(key: string, references: readonly Reference[]): Promise<Keeper | GatewayError | null> {
    let keeper: Keeper | null = null
    for (const reference of references) {
      const found = await this.#keeperOfOne(key, reference)
      if (found instanceof GatewayError) return found
      if (found === null) continue
      if (keeper !== null && (keeper.provider !== found.provider || keeper.credential !== found.credential)) {
        const message = `The request names files of the providers "${keeper.provider}" and "${found.provider}": one provider has to have all of them.`
        return new GatewayError('invalid_request', message)
      }
      keeper = found
    }
    return keeper
  }

  async #keeperOfOne(key: string, { said, of }: Reference): Promise<Keeper | GatewayError | null> {
    if (of.provider !== null) {
      const provider = this.registry.provider(of.provider)
      if (provider === null || !(await this.mayUse(key, of, of.provider))) return noSuch(said)
      return { provider: of.provider, credential: provider.credentials[0] ?? '' }
    }
    const isGoogles = GOOGLES.test(of.id)
    if (said.includes('/') && !isGoogles) return null
    const thing = await this.things.find(key, of.id, null)
    if (thing !== null) return { provider: thing.provider, credential: thing.credential }
    if (!this.isBound || FREE.test(of.id)) return null
    return isGoogles ? noneOfGoogles(of.id) : noSuch(said)
  }
}

/** As Google says it of a file that another project has. */
function noneOfGoogles(name: string): GatewayError {
  const message = `You do not have permission to access ${name.slice(0, 128)}, or it may not exist.`
  return new GatewayError('resource_denied', message)
}

/** As OpenAI says it of a file that another organization has. */
export function noSuch(id: string): GatewayError {
  const shown = id.length > 128 ? `${id.slice(0, 128)}…` : id
  return new GatewayError('not_found', `No such File object: ${shown}`, { param: 'id' })
}
