import type { AnswerHeaders, DispatchController, ResponseHandler } from '../phases.ts'
import { ConnectionPool } from '../upstream/connection-pool.ts'
import type { Connector } from './connector.ts'
import type { EgressPolicy } from './egress-policy.ts'
import { type VettedUrl, vetRedirect, vetUrl } from './redirect.ts'

export interface FetchOptions {
  readonly connector: Connector
  /** The connector's own: it judges addresses, and this what a URL says. */
  readonly policy: EgressPolicy
  readonly maxBytes: number
  /** For all of it, redirects included. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export interface FetchedBody {
  /** Without its parameters, in lower case; '' when the server does not say it. */
  readonly mediaType: string
  readonly body: Buffer
}

/** Why nothing was fetched; says nothing of a network that the asker may not see. */
export class FetchRefusal extends Error {
  override readonly name = 'FetchRefusal'
}

const HEADERS = ['accept', '*/*', 'accept-encoding', 'identity', 'user-agent', 'ferro-gateway']

/**
 * Fetches what somebody else's URL leads to, through the door that all connections take: the policy judges each host and
 * address, those of redirects too. Rejects with a FetchRefusal.
 */
export async function fetchAddress(text: string, options: FetchOptions): Promise<FetchedBody> {
  const { policy, timeoutMs, signal } = options
  const both = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  const first = vetUrl(text, 'other', policy)
  if (typeof first === 'string') throw new FetchRefusal('it may not be fetched')
  let at: VettedUrl = first
  for (let hops = 0; ; hops++) {
    const answer = await once(at, options, both)
    if (!('location' in answer)) return answer
    const verdict = vetRedirect(
      { from: at, status: answer.status, location: answer.location, hops, method: 'GET', headers: [] },
      policy,
    )
    if (verdict.type === 'refuse') throw new FetchRefusal('it leads to where nothing may be fetched')
    at = verdict.to
  }
}

interface Elsewhere {
  readonly status: number
  readonly location: string | null
}

async function once(
  { url }: VettedUrl,
  { connector, maxBytes, timeoutMs }: FetchOptions,
  signal: AbortSignal,
): Promise<FetchedBody | Elsewhere> {
  signal.throwIfAborted()
  const pool = new ConnectionPool({
    origin: url.origin,
    connectTimeoutMs: timeoutMs,
    maxConnections: 1,
    maxWaiting: 0,
    connector,
    // Also where a redirect stays at its origin: nobody here named it.
    namedBy: 'other',
  })
  try {
    return await new Promise((resolve, reject) => {
      const reader = new Reader(maxBytes, resolve, reject)
      signal.addEventListener('abort', () => reader.fail(new FetchRefusal('it did not come in time')), { once: true })
      const path = `${url.pathname}${url.search}`
      pool.dispatch({ method: 'GET', path, headers: HEADERS, body: null }, reader)
    })
  } finally {
    void pool.close()
  }
}

class Reader implements ResponseHandler {
  readonly #maxBytes: number
  readonly #resolve: (answer: FetchedBody | Elsewhere) => void
  readonly #reject: (error: Error) => void
  readonly #pieces: Buffer[] = []
  #controller: DispatchController | null = null
  #bytes = 0
  #mediaType = ''
  done = false

  constructor(maxBytes: number, resolve: (answer: FetchedBody | Elsewhere) => void, reject: (error: Error) => void) {
    this.#maxBytes = maxBytes
    this.#resolve = resolve
    this.#reject = reject
  }

  onRequestStart(controller: DispatchController): void {
    this.#controller = controller
    if (this.done) controller.abort(new Error('nobody waits any more'))
  }

  onResponseStart(controller: DispatchController, status: number, headers: AnswerHeaders): void {
    this.#controller = controller
    if (status < 200 || this.done) return
    if (status >= 300 && status < 400) {
      const { location } = headers
      this.#end()
      this.#resolve({ status, location: typeof location === 'string' ? location : null })
      return
    }
    const encoding = headers['content-encoding']
    if (status !== 200) return this.fail(new FetchRefusal(`its server answered ${status}`))
    if (encoding !== undefined && encoding !== 'identity') return this.fail(new FetchRefusal('it came compressed'))
    if (Number(headers['content-length'] ?? 0) > this.#maxBytes) return this.fail(tooLarge(this.#maxBytes))
    this.#mediaType = String(headers['content-type'] ?? '')
      .replace(/;.*$/s, '')
      .trim()
      .toLowerCase()
  }

  onResponseData(_controller: DispatchController, chunk: Buffer): void {
    if (this.done) return
    this.#bytes += chunk.length
    if (this.#bytes > this.#maxBytes) return this.fail(tooLarge(this.#maxBytes))
    this.#pieces.push(chunk)
  }

  onResponseEnd(): void {
    if (this.done) return
    this.done = true
    this.#resolve({ mediaType: this.#mediaType, body: Buffer.concat(this.#pieces) })
  }

  onResponseError(_controller: DispatchController, _error: Error): void {
    this.fail(new FetchRefusal('its server cannot be reached'))
  }

  fail(error: Error): void {
    if (this.done) return
    this.#end()
    this.#reject(error)
  }

  #end(): void {
    this.done = true
    this.#controller?.abort(new Error('nothing more is read'))
  }
}

function tooLarge(maxBytes: number): FetchRefusal {
  return new FetchRefusal(`it is larger than ${maxBytes} bytes`)
}
