import type { ResponseHandler, Transport, UpstreamRequest } from '../../core/index.ts'
import { invalidRequest, notFound } from './api-error.ts'
import { chatScript } from './chat-script.ts'
import { complete } from './completion.ts'
import { embeddingsScript } from './embeddings.ts'
import { behaviourOf, demoModels } from './models.ts'
import { moderationsScript } from './moderations.ts'
import { Playback } from './playback.ts'
import { readRequest } from './request.ts'
import { errorScript, jsonScript, type Script } from './script.ts'

/** What the demo provider is made of. */
export interface DemoUpstreamOptions {
  /** Milliseconds since the epoch, for the `created` of answers. Default `Date.now`. */
  readonly now?: () => number
}

/** Seconds since the epoch that the models say they were created at: fixed, so that lists do not change. */
const MODELS_CREATED = 1_767_225_600

/**
 * A provider inside the process: chat completions without a network, behind the same contract as real connections.
 * Paths may come with or without `/v1`. Deterministic: the same body gets the same answer, but for `created`.
 */
export class DemoUpstream implements Transport {
  readonly #now: () => number
  readonly #live = new Set<Playback>()
  #closed = false

  constructor(options: DemoUpstreamOptions = {}) {
    this.#now = options.now ?? Date.now
  }

  /** Exchanges that have not ended. */
  get inFlight(): number {
    return this.#live.size
  }

  /** Begins an exchange; the handler is called in later turns. False once closed. */
  dispatch(request: UpstreamRequest, handler: ResponseHandler): boolean {
    if (this.#closed) return false
    const playback = new Playback({
      makeScript: () => this.#script(request),
      handler,
      onDone: (done) => this.#live.delete(done),
    })
    this.#live.add(playback)
    return true
  }

  /** Ends all exchanges with an error, and takes no more. */
  async close(): Promise<void> {
    this.#closed = true
    for (const playback of [...this.#live]) {
      playback.fail(Object.assign(new Error('the demo provider is closed'), { code: 'ECONNRESET' }))
    }
  }

  #script(request: UpstreamRequest): Script {
    const path = (request.path.split('?', 1)[0] ?? '').replace(/^\/v1(?=\/)/, '')
    if (path === '/chat/completions') {
      return request.method === 'POST' ? this.#chat(request.body) : wrongMethod(request)
    }
    const make = MAKERS.get(path)
    if (make !== undefined) return request.method === 'POST' ? make(request.body) : wrongMethod(request)
    if (path === '/models' || path.startsWith('/models/')) {
      return request.method === 'GET' ? listModels(path.slice('/models/'.length)) : wrongMethod(request)
    }
    return errorScript(notFound(`Invalid URL (${request.method} ${request.path.slice(0, 128)})`, 'unknown_url'))
  }

  #chat(body: Buffer | null): Script {
    const read = readRequest(body)
    if (!read.ok) return errorScript(read.error)
    return chatScript(read.request, () => complete(read.request, body ?? Buffer.alloc(0), this.#now()))
  }
}

/** What is answered beside conversations. */
const MAKERS: ReadonlyMap<string, (body: Buffer | null) => Script> = new Map([
  ['/embeddings', embeddingsScript],
  ['/moderations', moderationsScript],
])

function listModels(id: string): Script {
  const entry = (name: string): unknown => ({ id: name, object: 'model', created: MODELS_CREATED, owned_by: 'demo' })
  if (id === '') return jsonScript(200, { object: 'list', data: demoModels.map((model) => entry(model.id)) })
  return behaviourOf(id) === null
    ? errorScript(notFound(`The model '${id.slice(0, 128)}' does not exist`, 'model_not_found'))
    : jsonScript(200, entry(id))
}

function wrongMethod(request: UpstreamRequest): Script {
  return errorScript({
    ...invalidRequest(
      `Not allowed to ${request.method} on ${request.path.slice(0, 128)}.`,
      null,
      'method_not_supported',
    ),
    status: 405,
  })
}
