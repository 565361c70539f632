import type { ConfigDocument } from '../../../config/index.ts'
import { type Exchange, type Gate, GatewayError, RelayedBody, WAIT } from '../../../core/index.ts'
import { principalOf } from '../../../governance/index.ts'
import { isObject, type JsonObject, writeJson } from '../../ir/json.ts'
import type { Usage } from '../../models/price.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import { readToldUsage } from '../usage.ts'
import { namedProvider, providerOf } from './choose-provider.ts'
import type { ClaimedUsage } from './claimed-usage.ts'
import { ForwardCandidate } from './forward-candidate.ts'
import { ForwardState } from './forward-state.ts'
import { Origin, type OriginOfId, readId } from './origin.ts'

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

export interface FilesOptions {
  readonly registry: ModelRegistry
  readonly document: ConfigDocument
  /** `files` or `batches`. */
  readonly kind: 'files' | 'batches'
  /** Batches tell what they used with every look. */
  readonly usage: ClaimedUsage
}

/** The `inspect` hook of files and batches: they stay with the provider, and the account, that made them. */
export function createFilesInspect(options: FilesOptions): Gate {
  const { registry, document, kind, usage } = options
  const keepers = Object.entries(document.providers)
    .filter(([, provider]) => KEEPING.has(provider.kind))
    .map(([name]) => name)
  return (x) => {
    const [first = '', ...more] = x.rest === '' ? [] : x.rest.split('/')
    const asked = readId(first)
    const unseen = kind === 'batches' ? unseenModels(x) : null
    if (unseen !== null) return unseen
    const input = inputOf(x)
    if (input instanceof GatewayError) return input
    const name = asked.provider ?? input?.provider ?? namedProvider(x) ?? document.files.provider ?? onlyOf(keepers)
    if (name === null) {
      const message = `Several providers could be meant, or none: name one in x-ferro-provider (${keepers.join(', ') || 'none is configured'}).`
      return new GatewayError('invalid_request', message, { param: 'x-ferro-provider' })
    }
    const provider = keepers.includes(name) ? providerOf(registry, name) : notKeeping(name)
    if (provider instanceof GatewayError) return provider
    const isBound = document.files.bind_keys
    const secret = isBound ? (provider.secrets.texts[0] ?? name) : null
    const origin = isBound || keepers.length > 1 ? new Origin(name, principalOf(x).id, secret) : null
    const foreign = checkOwner(x, origin, { isBound, ids: first === '' ? input : asked })
    if (foreign !== null) return foreign
    const isOurs = kind === 'batches' && isLook(x, more) ? usage.of(x, `batch ${name} ${asked.id}`) : false
    if (isOurs === WAIT) return WAIT
    const query = withoutOrigins(x.query)
    const suffix = [
      `/${kind}`,
      ...(first === '' ? [] : [encodeURIComponent(asked.id), ...more.map(encodeURIComponent)]),
    ].join('/')
    const state = new ForwardState(kind, provider, provider.pathTo(query === '' ? suffix : `${suffix}?${query}`, null))
    state.origin = origin
    state.isFree = true
    x.surface = state
    const problem = takeBody(x, state, input, document.limits.body)
    if (problem !== null) return problem
    state.countsUsage = isOurs
    state.readAnswer = (answer) => usedBy(answer, { registry, state, name })
    x.candidates = [new ForwardCandidate(state)]
    return null
  }
}

/** What the lines of a batch ask for is not looked at: a key that is held to some models makes none. */
function unseenModels(x: Exchange): GatewayError | null {
  const { allow, deny } = principalOf(x)
  if (x.method !== 'POST' || x.rest !== '' || (allow === null && deny === null)) return null
  const message =
    'This API key may use some models only, and what the lines of a batch ask for is not looked at here: make batches with a key without lists of models.'
  return new GatewayError('resource_denied', message)
}

interface Counting {
  readonly registry: ModelRegistry
  readonly state: ForwardState
  readonly name: string
}

/** One batch is looked at, whose answer tells its usage when it is over. */
function isLook(x: Exchange, more: readonly string[]): boolean {
  return x.rest !== '' && x.method === 'GET' && more.length === 0
}

/** What a batch used, which is told when it is over. */
function usedBy(answer: JsonObject, { registry, state, name }: Counting): Usage | null {
  const { status, model, usage } = answer
  if (status !== 'completed' && status !== 'expired' && status !== 'cancelled') return null
  const used = readToldUsage({ usage })
  if (used === null) return null
  if (typeof model === 'string') {
    state.modelRequested = model
    state.target = registry.resolve(`${name}/${model}`)?.first ?? null
  }
  return { ...used, serviceTier: 'batch' }
}

/** The input file that a new batch names, with the place of its id in the body. */
interface NamedInput extends OriginOfId {
  readonly body: JsonObject
}

function inputOf(x: Exchange): NamedInput | null | GatewayError {
  if (x.body === null || x.body.length === 0) return null
  let value: unknown
  try {
    value = JSON.parse(x.body.toString('utf8'))
  } catch {
    return new GatewayError('invalid_json', 'The body is not valid JSON.')
  }
  if (!isObject(value)) return new GatewayError('invalid_request', 'The body must be a JSON object.')
  const { input_file_id: id } = value
  return { ...readId(typeof id === 'string' ? id : ''), body: value }
}

function checkOwner(
  x: Exchange,
  origin: Origin | null,
  { isBound, ids }: { readonly isBound: boolean; readonly ids: OriginOfId | null },
): GatewayError | null {
  if (!isBound || origin === null) return null
  if (ids === null || ids.id === '') {
    if (x.method === 'POST') return null
    return new GatewayError('resource_denied', 'This gateway binds files and batches to keys: it cannot list them.')
  }
  if (origin.owns(ids)) return null
  return new GatewayError('resource_not_found', 'There is no such file or batch of this API key.')
}

/** Cursors of lists are ids too. */
function withoutOrigins(query: string): string {
  if (query === '') return query
  const parameters = new URLSearchParams(query)
  for (const name of ['after', 'before']) {
    const value = parameters.get(name)
    if (value !== null) parameters.set(name, readId(value).id)
  }
  return parameters.toString()
}

function takeBody(x: Exchange, state: ForwardState, input: NamedInput | null, limit: number): GatewayError | null {
  if (input !== null) {
    const { body, id } = input
    state.body = Buffer.from(writeJson(id === '' ? body : { ...body, input_file_id: id }))
    return null
  }
  const { head } = x
  if (x.body !== null || !(head.chunked || head.contentLength > 0)) {
    state.body = x.body !== null && x.body.length > 0 ? x.body : null
    return null
  }
  if (head.contentLength > limit) {
    return new GatewayError('request_too_large', `The body is larger than the limit of ${limit} bytes.`)
  }
  const body = new RelayedBody(x, limit)
  state.source = body
  x.upload = body
  x.client.readBody(body)
  return null
}

function notKeeping(name: string): GatewayError {
  const message = `The provider "${name.slice(0, 64)}" keeps no files and batches, or is not configured.`
  return new GatewayError('invalid_request', message, { param: 'x-ferro-provider' })
}

function onlyOf(names: readonly string[]): string | null {
  return names.length === 1 ? (names[0] ?? null) : null
}
