import { type Exchange, type Gate, GatewayError } from '../../../core/index.ts'
import { principalOf } from '../../../governance/index.ts'
import { type ForwardState, forwardStateOf } from '../forward/forward-state.ts'
import { type Keeper, type Ownership, ownerLookUps } from './ownership.ts'

/** Things of OpenAI's API that are reached by their id on paths which pass on (its API reference, 2026-11). */
const KEPT = /^\/v1(?:beta)?\/(?:(vector_stores|containers)|(files|cachedContents))(?:\/([^/:]+)([/:].*)?)?$/

/** What was looked up: who keeps the thing that the path names, or what of a list is the key's. */
interface Known {
  readonly keeper: Keeper | null
  readonly listed: ReadonlyMap<string, ReadonlySet<string>>
}

/** Things on paths that pass on: remembered for the key that makes them, and out of reach for all others. */
export class KeptPaths {
  readonly #ownership: Ownership
  readonly #known = ownerLookUps<Known>()

  constructor(ownership: Ownership) {
    this.#ownership = ownership
  }

  /** Who keeps what the path names, once it was looked up; null: nobody in particular. */
  keeperOf(x: Exchange): Keeper | null {
    return this.#known.of(x)?.keeper ?? null
  }

  /** Around an `inspect` that passes requests on. */
  gate(inspect: Gate): Gate {
    return (x) => {
      const [, openais, googles, said = '', below = ''] = KEPT.exec(x.path) ?? []
      const kind = openais ?? googles
      if (kind === undefined) return inspect(x)
      // Google's names begin with what they are names of.
      const id = googles === undefined || said === '' ? said : `${kind}/${said}`
      const known = this.#known.of(x)
      if (known === undefined) return this.#known.begin(x, this.#lookUp(principalOf(x).id, kind, id))
      const verdict = inspect(x)
      const state = forwardStateOf(x)
      if (verdict !== null || state === null) return verdict
      const { upstream, credentials } = state.provider
      if (known.keeper !== null && known.keeper.provider !== upstream.name) return unknown(id)
      if (known.keeper !== null) state.lane = Math.max(0, credentials.indexOf(known.keeper.credential))
      if (id === '' && x.method === 'GET') state.listed = known.listed.get(upstream.name) ?? null
      if (id === '' && x.method === 'POST') this.#remember(x, kind, state)
      if (below === '' && x.method === 'DELETE') {
        const key = principalOf(x).id
        state.onAnswer = () => this.#ownership.things.remove(key, id, upstream.name)
      }
      return null
    }
  }

  #remember(x: Exchange, kind: string, state: ForwardState): void {
    const { upstream, credentials } = state.provider
    const key = principalOf(x).id
    const credential = credentials[state.lane] ?? ''
    state.onAnswer = ({ id: ofOpenai, name }) => {
      const id = ofOpenai ?? name
      if (typeof id !== 'string') return
      this.#ownership.things.keep(key, { id, kind, provider: upstream.name, credential, batch: null })
    }
  }

  async #lookUp(key: string, kind: string, id: string): Promise<Known | GatewayError> {
    const { things, isBound, registry } = this.#ownership
    const listed = new Map<string, ReadonlySet<string>>()
    if (id !== '') {
      const keeper = await things.find(key, id, null)
      return keeper === null && isBound ? unknown(id) : { keeper, listed }
    }
    for (const provider of isBound ? registry.providerNames : []) {
      listed.set(provider, (await things.listed(key, kind, provider)) ?? new Set())
    }
    return { keeper: null, listed }
  }
}

function unknown(id: string): GatewayError {
  const shown = id.length > 128 ? `${id.slice(0, 128)}…` : id
  return new GatewayError('not_found', `'${shown}' not found: this key has none of this name.`, {
    param: 'id',
  })
}
