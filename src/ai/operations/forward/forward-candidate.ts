import type { AnswerTap, Candidate, Exchange, Upstream, UpstreamRequest } from '../../../core/index.ts'
import { forwardedHeaders } from '../../models/forwarded-headers.ts'
import type { ModelTarget } from '../../models/target.ts'
import { ANTHROPIC_HEADERS, OPENAI_HEADERS } from '../../providers/forwarded-headers.ts'
import type { ProviderUpstream } from '../../providers/upstreams.ts'
import type { AnswerSource } from '../../relay/answer-source.ts'
import { headOf } from '../operation-candidate.ts'
import { type ForwardState, forwardStateOf } from './forward-state.ts'
import { ForwardTap } from './forward-tap.ts'

/** The client's headers that go along; credentials are never among them. */
const TAKEN: ReadonlySet<string> = new Set([
  ...OPENAI_HEADERS,
  ...ANTHROPIC_HEADERS,
  'content-type',
  'if-match',
  'if-none-match',
  'range',
  'x-goog-upload-command',
  'x-goog-upload-file-name',
  'x-goog-upload-header-content-length',
  'x-goog-upload-header-content-type',
  'x-goog-upload-offset',
  'x-goog-upload-protocol',
])

/** Where requests go on to, as they are. */
export interface ForwardPlace {
  readonly provider: ProviderUpstream
  /** Null: no model is asked for. */
  readonly target: ModelTarget | null
  /** The target's own, where its credential alone is used; absent: the provider's, with all of its credentials. */
  readonly upstream?: Upstream
}

/** Makes what reads the answer to a request; absent: it is passed on. */
export type OpenForwardTap = (x: Exchange, candidate: ForwardCandidate, state: ForwardState) => AnswerTap

/** One provider, to which requests are passed on as their states say. */
export class ForwardCandidate implements Candidate, AnswerSource {
  readonly name: string
  readonly upstream: Upstream
  readonly #provider: ProviderUpstream
  readonly #openTap: OpenForwardTap

  constructor({ provider, target, upstream }: ForwardPlace, openTap?: OpenForwardTap) {
    this.name = target?.name ?? provider.upstream.name
    this.upstream = upstream ?? provider.upstream
    this.#provider = provider
    this.#openTap = openTap ?? ((x, candidate, state) => new ForwardTap(x, candidate, state))
  }

  get secrets(): readonly Buffer[] {
    return this.#provider.secrets.bytes
  }

  get secretTexts(): readonly string[] {
    return this.#provider.secrets.texts
  }

  encode(x: Exchange): UpstreamRequest {
    const { path, source, body, upgrade, lane, ownHeaders } = stateOf(x)
    const head = headOf(this.#provider)
    const own = new Set([...head.names].filter((name) => name !== 'content-type'))
    const headers = forwardedHeaders(x, TAKEN, own)
    headers.push(...ownHeaders)
    if (upgrade !== null) pushUpgrade(x, headers)
    const shared = { method: x.method, path, fixed: head.bare, headers, lane }
    return source === null ? { ...shared, body, upgrade } : { ...shared, body: null, source }
  }

  open(x: Exchange): AnswerTap {
    return this.#openTap(x, this, stateOf(x))
  }
}

function stateOf(x: Exchange): ForwardState {
  const state = forwardStateOf(x)
  if (state === null) throw new Error(`request ${x.id} is not forwarded`)
  return state
}

/** What opens a WebSocket, but no compression (its frames are read) and no credential among the protocols. */
function pushUpgrade(x: Exchange, headers: string[]): void {
  x.head.names.forEach((name, at) => {
    const value = x.head.values[at] ?? ''
    if (name === 'sec-websocket-key' || name === 'sec-websocket-version') headers.push(name, value)
    if (name !== 'sec-websocket-protocol') return
    const offered = value.split(',').map((protocol) => protocol.trim())
    const kept = offered.filter((protocol) => !/^[a-z]+-(?:insecure-api-key|organization|project)\./.test(protocol))
    if (kept.length > 0) headers.push(name, kept.join(', '))
  })
}
