import {
  type DispatchController,
  GatewayError,
  type ResponseHandler,
  type Transport,
  type UpstreamRequest,
} from '../../../core/index.ts'

/** Says what a request must carry so that its receiver knows who sends it. */
export interface Authenticator {
  /** Headers (flat) for this request; a promise when they have to be made or fetched. Rejects with a GatewayError. */
  headers(request: UpstreamRequest): readonly string[] | Promise<readonly string[]>
}

/** One of a provider's credentials, and where it is used. */
export interface Credential {
  /** Flat. */
  readonly headers: readonly string[]
  readonly authenticator: Authenticator | null
  readonly transport: Transport
  /** Paths begin with this instead of `root`; null: with that. */
  readonly root: string | null
  readonly weight: number
}

interface Turn {
  readonly credential: Credential
  credit: number
}

/** What tells whether the asker still waits: an attempt does. */
type Waiting = ResponseHandler & { readonly done?: boolean }

const NO_CONTROLLER: DispatchController = { pause: () => undefined, resume: () => undefined, abort: () => undefined }

/** Sends each request with the next of a provider's credentials, in turn by their weights. */
export class CredentialTransport implements Transport {
  readonly #root: string
  readonly #credentials: readonly Turn[]
  readonly #total: number

  /** `root`: how the paths of requests begin. The transports are their owner's to close. */
  constructor(root: string, credentials: readonly Credential[]) {
    this.#root = root
    this.#credentials = credentials.map((credential) => ({ credential, credit: 0 }))
    this.#total = credentials.reduce((sum, { weight }) => sum + weight, 0)
  }

  dispatch(request: UpstreamRequest, handler: Waiting): boolean {
    const own = request.lane === undefined ? undefined : this.#credentials[request.lane]
    const credential = (own ?? this.#next()).credential
    const { authenticator, transport } = credential
    const placed = this.#place(request, credential)
    const added = authenticator === null ? [] : authenticator.headers(placed)
    if (!(added instanceof Promise)) return transport.dispatch(withHeaders(placed, added), handler)
    void added.then(
      (headers) => dispatchLate(transport, withHeaders(placed, headers), handler),
      (error: unknown) => {
        if (handler.done !== true) handler.onResponseError(NO_CONTROLLER, asGatewayError(error))
      },
    )
    return true
  }

  async close(): Promise<void> {
    // The connections are shared with other plans; who made them closes them.
  }

  /** Whose turn it is, for a request that names it as its lane. */
  nextLane(): number {
    return this.#credentials.indexOf(this.#next())
  }

  /** Each gains its weight, the richest goes and pays for all: turns are spread evenly. */
  #next(): Turn {
    let best = this.#credentials[0]
    if (best === undefined) throw new Error('a provider without credentials')
    if (this.#credentials.length === 1) return best
    for (const entry of this.#credentials) {
      entry.credit += entry.credential.weight
      if (entry.credit > best.credit) best = entry
    }
    best.credit -= this.#total
    return best
  }

  #place(request: UpstreamRequest, { headers, root }: Credential): UpstreamRequest {
    const path = root === null ? request.path : `${root}${request.path.slice(this.#root.length)}`
    return headers.length === 0 && path === request.path ? request : withHeaders({ ...request, path }, headers)
  }
}

function withHeaders(request: UpstreamRequest, headers: readonly string[]): UpstreamRequest {
  return headers.length === 0 ? request : { ...request, headers: [...request.headers, ...headers] }
}

/** The asker may have left while the credential was made. */
function dispatchLate(transport: Transport, request: UpstreamRequest, handler: Waiting): void {
  if (handler.done === true) return
  try {
    if (transport.dispatch(request, handler)) return
    const message = 'All connections to the provider are busy; try again soon.'
    handler.onResponseError(NO_CONTROLLER, new GatewayError('saturated', message, { retryAfterSeconds: 1 }))
  } catch (error) {
    handler.onResponseError(NO_CONTROLLER, asGatewayError(error))
  }
}

function asGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error
  return new GatewayError('internal_error', 'The credential of the provider could not be made.', { cause: error })
}
