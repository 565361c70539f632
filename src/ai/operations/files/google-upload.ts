import type { ConfigDocument } from '../../../config/index.ts'
import { bodyTooLarge, type Exchange, GatewayError, type Hook, RelayedBody } from '../../../core/index.ts'
import { principalOf, withoutQueryKeys } from '../../../governance/index.ts'
import { isObject } from '../../ir/json.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import { namedProvider, providerOf } from '../forward/choose-provider.ts'
import { defaultProvider, rootIn } from '../forward/default-provider.ts'
import { ForwardCandidate } from '../forward/forward-candidate.ts'
import { ForwardState } from '../forward/forward-state.ts'
import type { Ownership } from './ownership.ts'

/** Google's own client says the one version or the other. */
export const GOOGLE_UPLOADS = ['/upload/v1beta/files', '/upload/v1/files'] as const
/** As Google's things are kept, by the beginning of their names. */
export const GOOGLE_FILES = 'files'
/** Says in the address of an upload where it was begun. */
const AT = 'ferro_at'
const START = 'x-goog-upload-'
const ADDRESS = 'x-goog-upload-url'

export interface GoogleUploadOptions {
  readonly registry: ModelRegistry
  readonly document: ConfigDocument
  readonly ownership: Ownership
}

/**
 * The `inspect` hook of Google's uploads (Files API, "resumable", 2026-11): a first request gets an address, to which the bytes go. That
 * address is of the gateway, and names the provider.
 */
export function createGoogleUpload({ registry, document, ownership }: GoogleUploadOptions): Hook {
  const limit = document.limits.body
  return (x) => {
    const parameters = new URLSearchParams(withoutQueryKeys('/v1beta/', x.query))
    const begun = parameters.get(AT)
    parameters.delete(AT)
    const name = begun ?? namedProvider(x) ?? defaultProvider(registry, 'gemini', document.passthrough.providers)
    if (name === null) {
      return new GatewayError(
        'not_found',
        'No provider here takes uploads of this API, or several do: name one in x-ferro-provider.',
      )
    }
    const provider = providerOf(registry, name)
    if (provider instanceof GatewayError) return provider
    const root = rootIn(provider, 'gemini')
    if (root === null)
      return new GatewayError('not_found', `The provider "${name.slice(0, 64)}" takes no uploads of this API.`)
    const query = parameters.toString()
    const state = new ForwardState('files', provider, `/upload${root}/files${query === '' ? '' : `?${query}`}`)
    state.isFree = true
    state.countsUsage = false
    const key = principalOf(x).id
    const credential = provider.credentials[state.lane] ?? ''
    state.onAnswer = ({ file }) => {
      if (!isObject(file) || typeof file['name'] !== 'string') return
      ownership.things.keep(key, { id: file['name'], kind: GOOGLE_FILES, provider: name, credential, batch: null })
    }
    state.answerHeaders = (header, value) => {
      if (!header.startsWith(START)) return null
      return header === ADDRESS ? ownAddress(x, value, name) : value
    }
    const { head } = x
    if (head.contentLength > limit) return bodyTooLarge(limit)
    if (head.chunked || head.contentLength > 0) {
      const body = new RelayedBody(x, limit)
      state.source = body
      x.upload = body
      x.client.readBody(body)
    }
    x.surface = state
    x.candidates = [new ForwardCandidate(state)]
    return null
  }
}

/** The address of an upload, here. */
function ownAddress(x: Exchange, address: string, provider: string): string {
  const { searchParams } = new URL(address)
  searchParams.delete('key')
  searchParams.set(AT, provider)
  const scheme = x.origin?.scheme ?? x.client.scheme
  return `${scheme}://${x.head.get('host') ?? 'localhost'}${x.path}?${searchParams.toString()}`
}
