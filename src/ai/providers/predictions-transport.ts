import {
  type DispatchController,
  GatewayError,
  type ResponseHandler,
  type Transport,
  type UpstreamRequest,
} from '../../core/index.ts'
import { ask, type Reply } from '../../governance/index.ts'
import { isObject, type JsonObject } from '../ir/json.ts'

type Waiting = ResponseHandler & { readonly done?: boolean }

export interface PredictionsOptions {
  readonly transport: Transport
  /** Where streams may be: the vendor's own hosts, or the API's. */
  readonly streams: (origin: string) => Transport | null
  /** Flat; the credential, for the requests that follow the first. */
  readonly headers: readonly string[]
}

const STEP_MS = 500
const STEP_TIMEOUT_MS = 70_000
/** The attempt has deadlines of its own, and they are shorter. */
const MAX_STEPS = 7_200
const MAX_BYTES = 16 * 1024 * 1024
const ID = /^[A-Za-z0-9]{1,64}$/
const NO_CONTROLLER: DispatchController = { pause: () => undefined, resume: () => undefined, abort: () => undefined }

/**
 * Makes one exchange of several: a prediction is created, and then its stream is followed, or it is asked for until it has
 * ended. A prediction whose asker left is cancelled.
 */
export class PredictionsTransport implements Transport {
  readonly #options: PredictionsOptions

  constructor(options: PredictionsOptions) {
    this.#options = options
  }

  dispatch(request: UpstreamRequest, handler: Waiting): boolean {
    void this.#run(request, handler).catch((error: unknown) => {
      if (handler.done === true) return
      const cause = error instanceof Error ? error : new Error(String(error))
      handler.onResponseError(NO_CONTROLLER, cause)
    })
    return true
  }

  async close(): Promise<void> {
    // Its connections are shared; who made them closes them.
  }

  async #run(request: UpstreamRequest, handler: Waiting): Promise<void> {
    // The first answer is waited for as long as the vendor lets a request wait.
    let reply = await this.#ask({ ...request, headers: [...request.headers, 'prefer', 'wait=60'] })
    let prediction = predictionOf(reply)
    const stream = prediction === null || !wantsStream(request) ? null : streamOf(prediction)
    const root = request.path
    if (prediction !== null && stream !== null && !hasEnded(prediction)) {
      const transport = this.#options.streams(stream.origin)
      if (transport !== null) return this.#follow(transport, stream, handler)
    }
    for (let step = 0; prediction !== null && !hasEnded(prediction) && step < MAX_STEPS; step++) {
      const id = String(prediction['id'])
      if (!ID.test(id)) throw new GatewayError('upstream_invalid_response', 'The prediction has no id.')
      if (handler.done === true) return this.#cancel(`${root}/${id}/cancel`)
      await new Promise((resolve) => setTimeout(resolve, STEP_MS))
      reply = await this.#ask({ method: 'GET', path: `${root}/${id}`, headers: this.#options.headers, body: null })
      prediction = predictionOf(reply)
    }
    if (handler.done === true) return
    handler.onRequestStart(NO_CONTROLLER, null)
    // Created is what others call answered.
    handler.onResponseStart(NO_CONTROLLER, prediction === null ? reply.status : 200, reply.headers)
    handler.onResponseData(NO_CONTROLLER, reply.body)
    handler.onResponseEnd(NO_CONTROLLER, null)
  }

  #follow(transport: Transport, { pathname, search }: URL, handler: Waiting): void {
    if (handler.done === true) return
    const headers = [...this.#options.headers, 'accept', 'text/event-stream', 'cache-control', 'no-store']
    if (transport.dispatch({ method: 'GET', path: `${pathname}${search}`, headers, body: null }, handler)) return
    handler.onResponseError(NO_CONTROLLER, new GatewayError('saturated', 'All connections to the provider are busy.'))
  }

  /** Nobody waits: what comes of it is of no interest. */
  #cancel(path: string): void {
    void this.#ask({ method: 'POST', path, headers: this.#options.headers, body: null }).catch(() => undefined)
  }

  async #ask(request: UpstreamRequest): Promise<Reply> {
    const reply = await new Promise<Reply | Error>((resolve) => {
      const options = { timeoutMs: STEP_TIMEOUT_MS, maxBodyBytes: MAX_BYTES, onReply: resolve }
      ask(this.#options.transport, request, options)
    })
    if (reply instanceof Error) throw reply
    return reply
  }
}

/** Null for an answer that is no prediction, such as an error. */
function predictionOf({ status, body }: Reply): JsonObject | null {
  if (status >= 300) return null
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return isObject(value) && typeof value['status'] === 'string' ? value : null
  } catch {
    return null // passed on as it is
  }
}

function hasEnded({ status }: JsonObject): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'canceled' || status === 'aborted'
}

function wantsStream({ body }: UpstreamRequest): boolean {
  return body?.includes('"stream":true') === true
}

function streamOf({ urls }: JsonObject): URL | null {
  const stream = isObject(urls) ? urls['stream'] : null
  return typeof stream === 'string' ? URL.parse(stream) : null
}
