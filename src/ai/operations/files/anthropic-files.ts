import type { ConfigDocument } from '../../../config/index.ts'
import { type Exchange, type Gate, GatewayError } from '../../../core/index.ts'
import { principalOf } from '../../../governance/index.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import type { ProviderUpstream } from '../../providers/upstreams.ts'
import { namedProvider, providerOf } from '../forward/choose-provider.ts'
import { defaultProvider, rootIn } from '../forward/default-provider.ts'
import { ForwardCandidate } from '../forward/forward-candidate.ts'
import { ForwardState } from '../forward/forward-state.ts'
import { type OriginOfId, readId } from '../forward/origin.ts'
import { startUpload } from './file-gate.ts'
import { FileUpload } from './file-upload.ts'
import { noSuch, type Ownership, ownerLookUps } from './ownership.ts'

const DIALECT = 'anthropic-messages'
/** Apart from the files of OpenAI's API. */
const KIND = 'files of messages'
/** Cursors of lists (Files API, 2026-11). */
const CURSORS = ['before_id', 'after_id'] as const

export interface AnthropicFilesOptions {
  readonly registry: ModelRegistry
  readonly document: ConfigDocument
  readonly ownership: Ownership
}

interface Call {
  readonly name: string
  readonly provider: ProviderUpstream
  readonly root: string
  readonly asked: OriginOfId
  readonly more: readonly string[]
}

/** The `inspect` hook of `/v1/files` for clients of Anthropic's dialect: their files go to who speaks it, and to nobody else. */
export function createAnthropicFiles(options: AnthropicFilesOptions): Gate {
  const { ownership } = options
  const known = ownerLookUps<{ readonly listed: ReadonlySet<string> | null }>()
  return (x) => {
    const call = callOf(x, options)
    if (call instanceof GatewayError) return call
    const { name, provider, root, asked, more } = call
    const found = known.of(x)
    if (found === undefined) return known.begin(x, lookUp(x, call, ownership))
    const isNew = x.method === 'POST' && asked.id === ''
    const upload = x.surface instanceof FileUpload ? x.surface : null
    if (isNew && upload === null) return startUpload(x, { ...options, name, provider, batches: false })
    const segments = asked.id === '' ? [] : [asked.id, ...more]
    const query = withPlainCursors(x.query)
    const path = `${root}${['', 'files', ...segments.map(encodeURIComponent)].join('/')}${query}`
    const state = new ForwardState('files', provider, path)
    const key = principalOf(x).id
    state.origin = ownership.originOf(key, name)
    state.listed = found.listed
    state.isFree = true
    state.countsUsage = false
    state.source = upload?.body ?? null
    const credential = provider.credentials[state.lane] ?? ''
    state.onAnswer = ({ id }) => {
      if (isNew && typeof id === 'string') {
        ownership.things.keep(key, { id, kind: KIND, provider: name, credential, batch: null })
      }
      if (x.method === 'DELETE') ownership.things.remove(key, asked.id, name)
    }
    x.surface = state
    x.candidates = [new ForwardCandidate(state)]
    return null
  }
}

async function lookUp(
  x: Exchange,
  { asked, name }: Call,
  ownership: Ownership,
): Promise<{ readonly listed: ReadonlySet<string> | null } | GatewayError> {
  const key = principalOf(x).id
  if (asked.id !== '') return (await ownership.mayUse(key, asked, name)) ? { listed: null } : noSuch(asked.id)
  if (x.method !== 'GET' || !ownership.isBound) return { listed: null }
  return { listed: (await ownership.things.listed(key, KIND, name)) ?? new Set() }
}

function callOf(x: Exchange, { registry, document }: AnthropicFilesOptions): Call | GatewayError {
  const [first = '', ...more] = x.rest === '' ? [] : x.rest.split('/')
  const asked = readId(first)
  const name = asked.provider ?? namedProvider(x) ?? defaultProvider(registry, DIALECT, document.passthrough.providers)
  if (name === null) {
    const message =
      'None, or several, of the providers here keep files for clients of this dialect: name one that speaks it in x-ferro-provider.'
    return new GatewayError('invalid_request', message, { param: 'x-ferro-provider' })
  }
  const provider = providerOf(registry, name)
  if (provider instanceof GatewayError) return provider
  const root = rootIn(provider, DIALECT)
  if (root !== null) return { name, provider, root, asked, more }
  const message = `The provider "${name.slice(0, 64)}" keeps no files for clients of this dialect: it does not speak it.`
  return new GatewayError('invalid_request', message, { param: 'x-ferro-provider' })
}

/** A query whose cursors are the provider's own ids, with its question mark. */
export function withPlainCursors(query: string): string {
  if (query === '') return ''
  const parameters = new URLSearchParams(query)
  for (const name of CURSORS) {
    const value = parameters.get(name)
    if (value !== null) parameters.set(name, readId(value).id)
  }
  return `?${parameters.toString()}`
}
