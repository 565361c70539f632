import { type Exchange, type Gate, GatewayError } from '../../../core/index.ts'
import { principalOf } from '../../../governance/index.ts'
import type { ContentPort } from '../../../storage/index.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import { namedProvider, onlyOf, providerOf } from '../../operations/forward/choose-provider.ts'
import { ForwardCandidate } from '../../operations/forward/forward-candidate.ts'
import { ForwardState } from '../../operations/forward/forward-state.ts'
import type { ProviderUpstream } from '../../providers/upstreams.ts'
import { type Maker, makerText, readMaker } from './maker.ts'
import { storedLookUps } from './prior.ts'
import { goneMaker, withQuery } from './relay-stored.ts'
import { CONVERSATIONS_KNOWN_MS } from './relayed-answers.ts'
import { responsesPath } from './response-look.ts'

/** Kinds whose API has conversations beside its responses (their API references, 2026-11), or may have them. */
const KEEPING: ReadonlySet<string> = new Set([
  'openai',
  'azure-openai',
  'azure-foundry',
  'openai-compatible',
  'litellm',
])
const RESPONSES = /\/responses(?=\?|$)/

export interface KeptConversationsOptions {
  readonly registry: ModelRegistry
  readonly content: ContentPort
  readonly maxBytes: number
}

/**
 * `/v1/conversations` and what is below it: conversations that a provider keeps. They are made where the header says, or at the
 * only provider that has them; each is reached by the key that made it alone, at the provider and the account that keep it.
 */
export function createKeptConversations({ registry, content, maxBytes }: KeptConversationsOptions): Gate {
  const found = storedLookUps<{ readonly maker: Maker | null }>()
  const limits = { ttlMs: CONVERSATIONS_KNOWN_MS, maxBytes }

  const make = (x: Exchange): GatewayError | null => {
    const name = namedProvider(x) ?? onlyOf(keepers(registry))
    if (name === null) return nobody(keepers(registry))
    const provider = providerOf(registry, name)
    if (provider instanceof GatewayError) return provider
    const path = conversationsPath(provider)
    if (path === null) return nobody(keepers(registry))
    const lane = provider.nextLane?.() ?? 0
    const maker = { provider: name, credential: provider.credentials[lane] ?? '', model: null, background: false }
    const state = forward(x, provider, lane, path)
    const tenant = principalOf(x).id
    state.readAnswer = ({ id }) => {
      if (typeof id === 'string') content.keep(tenant, { id, parent: null, items: [], text: makerText(maker) }, limits)
      return null
    }
    return null
  }

  const pass = (x: Exchange, maker: Maker, rest: string): GatewayError | null => {
    const provider = registry.provider(maker.provider)
    const path = provider === null ? null : conversationsPath(provider)
    const lane = provider?.credentials.indexOf(maker.credential) ?? -1
    if (provider === null || path === null || lane < 0) return goneMaker(maker)
    const [id = '', ...below] = rest.split('/')
    const state = forward(x, provider, lane, `${path}/${[id, ...below].map(encodeURIComponent).join('/')}`)
    if (x.method === 'DELETE' && below.length === 0) {
      const tenant = principalOf(x).id
      state.readAnswer = () => {
        content.remove(tenant, id).catch(() => undefined) // its time will pass
        return null
      }
    }
    return null
  }

  return (x) => {
    const { rest } = x
    if (rest === '') return make(x)
    if (rest.split('/').some((segment) => segment === '' || segment === '.' || segment === '..')) return unknownPath()
    const known = found.of(x)
    const [id = ''] = rest.split('/')
    if (known === undefined) {
      const chain = content.chain(principalOf(x).id, id)
      return found.begin(
        x,
        chain.then((texts) => ({ maker: texts === null ? null : readMaker(texts.at(-1) ?? '') })),
      )
    }
    return known.maker === null ? unknown(id) : pass(x, known.maker, rest)
  }
}

function forward(x: Exchange, provider: ProviderUpstream, lane: number, path: string): ForwardState {
  const state = new ForwardState('conversations', provider, withQuery(path, x.query))
  state.lane = lane
  state.isFree = true
  state.countsUsage = false
  state.body = x.body !== null && x.body.length > 0 ? x.body : null
  x.surface = state
  x.candidates = [new ForwardCandidate(state)]
  return state
}

/** Names of the providers that have conversations. */
function keepers(registry: ModelRegistry): readonly string[] {
  return registry.providerNames.filter((name) => {
    const provider = registry.provider(name)
    return provider !== null && conversationsPath(provider) !== null
  })
}

function conversationsPath(provider: ProviderUpstream): string | null {
  const path = KEEPING.has(provider.kind) ? responsesPath(provider) : null
  return path === null || !RESPONSES.test(path) ? null : path.replace(RESPONSES, '/conversations')
}

function nobody(names: readonly string[]): GatewayError {
  if (names.length === 0) {
    const message = 'No provider here keeps conversations: send the whole conversation as "input" of /v1/responses.'
    return new GatewayError('not_found', message)
  }
  const message = `Name the provider that shall keep the conversation in x-ferro-provider: ${names.join(', ')}.`
  return new GatewayError('invalid_request', message, { param: 'x-ferro-provider' })
}

function unknown(id: string): GatewayError {
  const shown = id.length > 128 ? `${id.slice(0, 128)}…` : id
  return new GatewayError('not_found', `Conversation with id '${shown}' not found: this key has none of this name.`)
}

function unknownPath(): GatewayError {
  return new GatewayError('not_found', 'There is no such path under /v1/conversations/.')
}
