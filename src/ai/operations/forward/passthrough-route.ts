import { type Exchange, GatewayError, type Hook } from '../../../core/index.ts'
import { principalOf, withoutQueryKeys } from '../../../governance/index.ts'
import { createScanner, type Edit, patchTopLevel, readString } from '../../../lib/index.ts'
import { type CallerDialect, callerDialect } from '../../conversation/caller-dialect.ts'
import { allowed, deniedTo, firstAllowed, unknownModel } from '../../conversation/conversation-route.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import type { ModelTarget } from '../../models/target.ts'
import type { ProviderUpstream } from '../../providers/upstreams.ts'
import { namedProvider, providerOf } from './choose-provider.ts'
import { defaultProvider, rootIn } from './default-provider.ts'
import { ForwardCandidate } from './forward-candidate.ts'
import { ForwardState } from './forward-state.ts'

const MAX_DEPTH = 64
/**
 * Segments of plain characters, none of them empty or with a dot at its end: an upstream could take any other spelling for a
 * path that is governed here under its own name.
 */
const PLAIN_PATH = /^(?:\/[A-Za-z0-9_~:@!$&'()*+,=-]+(?:\.+[A-Za-z0-9_~:@!$&'()*+,=-]+)*)+$/
/** What paths of clients begin with, and roots of providers end with. */
const VERSION = /^\/v1(?:beta)?(?=\/)/
/** Paths that one vendor's API alone has. */
const GOOGLES = '/v1beta/'
/** How bodies of that API begin the name of a model. */
const MODELS = 'models/'
const scanner = createScanner(['model'], { maxDepth: MAX_DEPTH })

export interface PassthroughOptions {
  readonly registry: ModelRegistry
  /** Tokens that are reserved for an answer of which nothing is known. */
  readonly outputTokens: number
  /** Where requests go that name no provider, if these speak the caller's dialect. */
  readonly preferred: readonly string[]
  /** Who keeps what a request names. */
  readonly keeperOf: (x: Exchange) => { readonly provider: string } | null
}

/**
 * The `inspect` hook of paths that the gateway does not know. They go to the provider that a header names, or whose model
 * the body names, or who alone can be meant; a model that nobody has is never sent anywhere.
 */
export function createPassthroughInspect({ registry, outputTokens, preferred, keeperOf }: PassthroughOptions): Hook {
  return (x) => {
    if (!PLAIN_PATH.test(x.path)) return notFound(x)
    const read = readModel(x, registry)
    if (read instanceof GatewayError) return read
    const dialect = callerDialect(x)
    const named = namedProvider(x) ?? read?.target?.provider ?? keeperOf(x)?.provider
    // A name with a slash says whose the model is, and was not found.
    const isOpen = read === null || !read.name.includes('/')
    const name = named ?? (isOpen ? defaultProvider(registry, dialect, preferred) : null)
    if (name === null) return read === null ? notFound(x) : unknownModel(read.name)
    const provider = providerOf(registry, name)
    if (provider instanceof GatewayError) return provider
    const refusal = checkModel(x, registry, { read, provider: name })
    if (refusal !== null) return refusal
    const query = withoutQueryKeys(x.path, x.query)
    const path = pathAt(provider, dialect, `${x.path.replace(VERSION, '')}${query === '' ? '' : `?${query}`}`)
    if (x.path.startsWith(GOOGLES) && rootIn(provider, 'gemini') === null) return notFound(x)
    const state = new ForwardState('passthrough', provider, path)
    state.modelRequested = read?.name ?? null
    state.target = read === null ? null : (read.target ?? registry.resolve(`${name}/${read.name}`)?.first ?? null)
    state.body = bodyOf(x, read, state.target === null ? null : provider.nameOf(state.target.model))
    state.isFree = x.method === 'GET' || x.method === 'DELETE'
    const bytes = state.body?.length ?? 0
    state.mostTokens = state.isFree ? 0 : bytes + outputTokens
    x.surface = state
    x.candidates = [new ForwardCandidate(state)]
    return null
  }
}

/** Below the root of the caller's own dialect, where the provider has one for it. */
function pathAt(provider: ProviderUpstream, dialect: CallerDialect, suffix: string): string {
  const root = dialect === 'openai-chat' ? null : rootIn(provider, dialect)
  return root === null ? provider.pathTo(suffix, null) : `${root}${suffix}`
}

interface ReadModel {
  /** As the client calls it. */
  readonly name: string
  /** What stands before it in the body. */
  readonly prefix: string
  readonly target: ModelTarget | null
}

/** The top-level model of a JSON body; null for none. */
function readModel(x: Exchange, registry: ModelRegistry): ReadModel | null | GatewayError {
  const { body, head } = x
  if (body === null || body.length === 0 || head.contentType?.includes('json') !== true) return null
  const scanned = scanner.scan(body)
  if (scanned.kind !== 'object') {
    if (scanned.kind === 'not-object') return null
    return new GatewayError('invalid_json', `The body cannot be read as one JSON value: see byte ${scanned.offset}.`)
  }
  if (!scanned.has(0)) return null
  const said = readString(body, scanned.valueStart(0), scanned.valueEnd(0))
  const prefix = x.path.startsWith(GOOGLES) && said?.startsWith(MODELS) === true ? MODELS : ''
  const name = said?.slice(prefix.length) ?? ''
  if (name === '') {
    return new GatewayError('invalid_request', '"model" must be a non-empty string.', { param: 'model' })
  }
  return {
    name,
    prefix,
    target: firstAllowed(x, registry, name) ?? registry.resolve(name)?.first ?? null,
  }
}

/** A key that is held to some models reaches no others on this way. */
function checkModel(
  x: Exchange,
  registry: ModelRegistry,
  { read, provider }: { readonly read: ReadModel | null; readonly provider: string },
): GatewayError | null {
  if (read === null) {
    if (principalOf(x).mayUseAll) return null
    const message = 'This API key is held to some models, and this request names none: it may not pass.'
    return new GatewayError('resource_denied', message)
  }
  const target = read.target ?? registry.resolve(`${provider}/${read.name}`)?.first ?? null
  if (target === null) return unknownModel(read.name)
  if (target.provider !== provider) {
    const message = `The model "${read.name.slice(0, 128)}" is not of the provider "${provider}".`
    return new GatewayError('invalid_request', message, { param: 'model' })
  }
  const name = read.target === null ? `${provider}/${read.name}` : read.name
  return allowed(x, registry, name) ? null : deniedTo(x, registry, name)
}

/** The client's bytes, with the model as the provider calls it. */
function bodyOf(x: Exchange, read: ReadModel | null, model: string | null): Buffer | null {
  const { body } = x
  if (body === null || body.length === 0) return null
  if (read === null || model === null || read.name === model) return body
  const scanned = scanner.scan(body)
  if (scanned.kind !== 'object') return body
  const edit: Edit = { kind: 'set', index: 0, json: JSON.stringify(`${read.prefix}${model}`) }
  return patchTopLevel(body, scanned, [edit])
}

function notFound(x: Exchange): GatewayError {
  const message = `There is no ${x.method} ${x.path} here. To pass it on, name a provider in x-ferro-provider, or a model in a JSON body.`
  return new GatewayError('not_found', message)
}
