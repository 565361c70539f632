import {
  type AnswerTap,
  type Candidate,
  type Exchange,
  headerLines,
  type Upstream,
  type UpstreamRequest,
} from '../../core/index.ts'
import { forwardedHeaders } from '../models/forwarded-headers.ts'
import type { ModelTarget } from '../models/target.ts'
import { OPENAI_HEADERS } from '../providers/forwarded-headers.ts'
import type { ProviderUpstream } from '../providers/upstreams.ts'
import { type OperationState, operationStateOf } from './operation-state.ts'
import { OperationTap } from './operation-tap.ts'

/** One operation at one model of one provider. */
export class OperationCandidate implements Candidate {
  readonly name: string
  readonly upstream: Upstream
  readonly #target: ModelTarget
  readonly #path: string
  readonly #head: ProviderHead

  constructor(target: ModelTarget, provider: ProviderUpstream, path: string) {
    this.name = target.name
    this.upstream = target.upstream
    this.#target = target
    this.#path = path
    this.#head = headOf(provider)
  }

  encode(x: Exchange): UpstreamRequest {
    const state = stateOf(x)
    const headers = forwardedHeaders(x, OPENAI_HEADERS, this.#head.names)
    const { body, source } = state
    const path = state.path ?? this.#path
    if (source !== null) {
      headers.push('content-type', x.head.contentType ?? 'multipart/form-data')
      return { method: 'POST', path, fixed: this.#head.bare, headers, body: null, source }
    }
    if (body === null) throw new Error(`request ${x.id} lost its body`)
    return { method: 'POST', path, fixed: this.#head.json, headers, body }
  }

  open(x: Exchange): AnswerTap {
    return new OperationTap(x, this.#target, stateOf(x))
  }
}

/** A provider's own headers as they go over the wire. */
export interface ProviderHead {
  /** With the content type of JSON. */
  readonly json: string
  /** Without a content type. */
  readonly bare: string
  readonly names: ReadonlySet<string>
}

const heads = new WeakMap<ProviderUpstream, ProviderHead>()

/** Made once for each provider of a plan. */
export function headOf(provider: ProviderUpstream): ProviderHead {
  let head = heads.get(provider)
  if (head === undefined) {
    const { headers } = provider
    const bare = headers.filter((_, at) => headers[at - (at % 2)] !== 'content-type')
    head = {
      json: headerLines(headers),
      bare: headerLines(bare),
      names: new Set(headers.filter((_, at) => at % 2 === 0)),
    }
    heads.set(provider, head)
  }
  return head
}

function stateOf(x: Exchange): OperationState {
  const state = operationStateOf(x)
  if (state === null) throw new Error(`request ${x.id} is no operation`)
  return state
}
