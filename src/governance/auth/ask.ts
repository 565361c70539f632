import type {
  AnswerHeaders,
  DispatchController,
  ResponseHandler,
  Transport,
  UpstreamRequest,
} from '../../core/index.ts'
import { asError } from '../../lib/index.ts'

/** An answer that is here as a whole. */
export interface Reply {
  readonly status: number
  readonly headers: AnswerHeaders
  readonly body: Buffer
}

export interface AskOptions {
  /** For everything: connection, question and the whole answer. */
  readonly timeoutMs: number
  /** A longer body is no answer. */
  readonly maxBodyBytes: number
}

/** A kept connection may be closed just when it is used; the next one may have the same age. */
const MAX_DISPATCHES = 4

/** Sends one request that may be repeated, and tells of the whole answer or of the failure, once. */
export function ask(
  transport: Transport,
  request: UpstreamRequest,
  options: AskOptions & { readonly onReply: (reply: Reply | Error) => void },
): Question {
  const question = new Question(transport, request, options)
  question.send()
  return question
}

/** One question to a server that is not the request's own upstream. */
export class Question implements ResponseHandler {
  readonly #transport: Transport
  readonly #request: UpstreamRequest
  readonly #maxBodyBytes: number
  readonly #onReply: (reply: Reply | Error) => void
  readonly #timer: NodeJS.Timeout
  #controller: DispatchController | null = null
  #dispatches = 0
  #status = 0
  #headers: AnswerHeaders = {}
  #chunks: Buffer[] = []
  #bytes = 0
  #over = false
  /** Given by a pool with the dispatch: the connection goes back with its end. */
  lease: { release(): void } | null = null

  constructor(
    transport: Transport,
    request: UpstreamRequest,
    options: AskOptions & { readonly onReply: (reply: Reply | Error) => void },
  ) {
    this.#transport = transport
    this.#request = request
    this.#maxBodyBytes = options.maxBodyBytes
    this.#onReply = options.onReply
    const late = () => this.#finish(new Error(`no answer within ${options.timeoutMs} ms`))
    this.#timer = setTimeout(late, options.timeoutMs)
  }

  /** A pool forgets a waiting question that is over. */
  get done(): boolean {
    return this.#over
  }

  send(): void {
    this.#dispatches++
    this.#status = 0
    this.#chunks = []
    this.#bytes = 0
    try {
      if (!this.#transport.dispatch(this.#request, this)) this.#finish(new Error('all connections are busy'))
    } catch (error) {
      this.#finish(asError(error))
    }
  }

  /** Nobody waits for the answer any more: `onReply` is not called. */
  cancel(): void {
    if (this.#over) return
    this.#end()
    this.#controller?.abort(new Error('nobody waits for the answer'))
  }

  onRequestStart(controller: DispatchController): void {
    this.#controller = controller
    if (this.#over) controller.abort(new Error('nobody waits for the answer'))
  }

  onResponseStart(_controller: DispatchController, status: number, headers: AnswerHeaders): void {
    if (status < 200) return
    this.#status = status
    this.#headers = headers
  }

  onResponseData(_controller: DispatchController, chunk: Buffer): void {
    if (this.#over) return
    this.#bytes += chunk.length
    if (this.#bytes > this.#maxBodyBytes) this.#finish(new Error(`the answer is over ${this.#maxBodyBytes} bytes`))
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    this.lease?.release()
    this.#controller = null
    this.#finish({ status: this.#status, headers: this.#headers, body: Buffer.concat(this.#chunks) })
  }

  onResponseError(_controller: DispatchController, error: Error): void {
    this.lease?.release()
    this.#controller = null
    if (this.#over) return
    if ('code' in error && error.code === 'stale_connection' && this.#dispatches < MAX_DISPATCHES) this.send()
    else this.#finish(error)
  }

  #finish(reply: Reply | Error): void {
    if (this.#over) return
    this.#end()
    if (reply instanceof Error) this.#controller?.abort(reply)
    this.#onReply(reply)
  }

  #end(): void {
    this.#over = true
    this.#chunks = []
    clearTimeout(this.#timer)
  }
}
