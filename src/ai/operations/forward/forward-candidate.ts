import type { AnswerTap, Candidate, Exchange, Upstream, UpstreamRequest } from '../../../core/index.ts'
import { forwardedHeaders } from '../../models/forwarded-headers.ts'
import { ANTHROPIC_HEADERS, OPENAI_HEADERS } from '../../providers/forwarded-headers.ts'
import type { AnswerSource } from '../../relay/answer-source.ts'
import { headOf } from '../operation-candidate.ts'
import type { ForwardState } from './forward-state.ts'
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

/** One request to one provider, passed on as it is. */
export class ForwardCandidate implements Candidate, AnswerSource {
  readonly name: string
  readonly upstream: Upstream
  readonly #state: ForwardState
  readonly #openTap: (x: Exchange, candidate: ForwardCandidate) => AnswerTap

  constructor(state: ForwardState, openTap?: (x: Exchange, candidate: ForwardCandidate) => AnswerTap) {
    const { upstream } = state.provider
    this.name = state.target?.name ?? upstream.name
    this.upstream = upstream
    this.#state = state
    this.#openTap = openTap ?? ((x, candidate) => new ForwardTap(x, candidate, state))
  }

  get secrets(): readonly Buffer[] {
    return this.#state.provider.secrets.bytes
  }

  get secretTexts(): readonly string[] {
    return this.#state.provider.secrets.texts
  }

  encode(x: Exchange): UpstreamRequest {
    const { provider, path, source, body, upgrade, lane } = this.#state
    const head = headOf(provider)
    const own = new Set([...head.names].filter((name) => name !== 'content-type'))
    const headers = forwardedHeaders(x, TAKEN, own)
    if (upgrade !== null) pushUpgrade(x, headers)
    const shared = { method: x.method, path, fixed: head.bare, headers, lane }
    return source === null ? { ...shared, body, upgrade } : { ...shared, body: null, source }
  }

  open(x: Exchange): AnswerTap {
    return this.#openTap(x, this)
  }
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
