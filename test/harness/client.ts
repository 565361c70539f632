import { randomBytes, randomUUID } from 'node:crypto'
import { Agent, type ClientRequest, type IncomingHttpHeaders, request } from 'node:http'
import { isObject, type JsonObject, parseJson } from './json.ts'
import { reset } from './reset.ts'

/** What a client knows of one request, kept for the checker. */
export interface ClientEntry {
  /** Sent as `user` in the body and as `x-request-id`: unique. */
  readonly nonce: string
  readonly model: string
  readonly stream: boolean
  /** Null when no head came. */
  status: number | null
  /** `x-ferro-request-id` of the answer. */
  requestId: string | null
  /** `done` = answered to the end; `cut` = the connection ended before; `aborted` = by us. */
  outcome: 'open' | 'done' | 'cut' | 'aborted'
}

/** A chat request to send; members of `body` override the ones made from the others. */
export interface ConversationRequest {
  readonly model?: string
  readonly secret?: string | null
  readonly stream?: boolean
  readonly content?: string
  readonly nonce?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: JsonObject
}

/** An answer read to its end (or to where it was cut). */
export interface ChatResult {
  readonly entry: ClientEntry
  readonly status: number | null
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The JSON body; undefined when it is none. */
  readonly json: unknown
  /** `data` of each event of a stream, in order. */
  readonly events: readonly string[]
}

/** One request in flight. */
export interface ChatCall {
  readonly entry: ClientEntry
  /** Resolves at the end of the answer, also a bad one; never rejects. */
  readonly result: Promise<ChatResult>
  /** Resolves when the head is there (false: it never came). */
  readonly head: Promise<boolean>
  /** Text received so far. */
  received(): string
  /** Leaves: destroys the connection, with RST or FIN. */
  leave(kind?: 'fin' | 'rst'): void
}

/** The data of every complete event of a stream's text. */
export function eventsOf(text: string): string[] {
  const blocks = text.replaceAll('\r\n', '\n').split('\n\n').slice(0, -1)
  return blocks
    .map((block) => block.split('\n').filter((line) => line.startsWith('data:')))
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => line.slice(5).replace(/^ /, '')).join('\n'))
}

/** An OpenAI-style client that logs what it saw. Each request has its own nonce. */
export class ChatClient {
  readonly log: ClientEntry[] = []
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1_024 })
  readonly #url: () => string
  readonly #secret: string

  /** `url` is asked at every request, since a restarted gateway may have moved. */
  constructor(url: () => string, secret: string) {
    this.#url = url
    this.#secret = secret
  }

  /** Sends a chat request and reads the whole answer. */
  chat(options: ConversationRequest = {}): Promise<ChatResult> {
    return this.start(options).result
  }

  /** Sends a chat request and returns at once. */
  start(options: ConversationRequest = {}): ChatCall {
    const { model = 'ok', stream = false, content = 'one two three', nonce = `n-${randomUUID()}` } = options
    const entry: ClientEntry = { nonce, model, stream, status: null, requestId: null, outcome: 'open' }
    this.log.push(entry)
    const messages = [{ role: 'user', content }]
    const json = JSON.stringify({ model, messages, user: nonce, ...(stream ? { stream } : {}), ...options.body })
    const secret = options.secret === undefined ? this.#secret : options.secret
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(json),
      'x-request-id': nonce,
      // By which the checker knows what of it arrives upstream.
      traceparent: `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`,
      ...(secret === null ? {} : { authorization: `Bearer ${secret}` }),
      ...options.headers,
    }
    const sent = request(`${this.#url()}/v1/chat/completions`, { method: 'POST', headers, agent: this.#agent })
    const call = read(sent, entry)
    sent.end(json)
    return call
  }

  /** A GET (or another method) on any path with this client's key. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${this.#secret}`, connection: 'close', ...Object(init.headers) }
    return await fetch(`${this.#url()}${path}`, { ...init, headers })
  }

  /** Closes idle connections. */
  close(): void {
    this.#agent.destroy()
  }
}

function read(sent: ClientRequest, entry: ClientEntry): ChatCall {
  const chunks: Buffer[] = []
  const head = Promise.withResolvers<boolean>()
  const result = Promise.withResolvers<ChatResult>()
  let headers: IncomingHttpHeaders = {}
  const received = () => Buffer.concat(chunks).toString('utf8')
  const finish = (outcome: 'done' | 'cut') => {
    if (entry.outcome === 'open') entry.outcome = outcome
    head.resolve(false)
    const text = received()
    result.resolve({ entry, status: entry.status, headers, text, json: parseJson(text), events: eventsOf(text) })
  }
  sent.on('response', (response) => {
    const id = response.headers['x-ferro-request-id']
    headers = response.headers
    entry.status = response.statusCode ?? null
    entry.requestId = typeof id === 'string' ? id : null
    head.resolve(true)
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
    })
    response.on('error', () => {
      finish('cut')
    })
    response.on('close', () => {
      finish(response.complete ? 'done' : 'cut')
    })
  })
  sent.on('error', () => {
    finish('cut')
  })
  const leave = (kind: 'fin' | 'rst' = 'rst') => {
    if (entry.outcome === 'open') entry.outcome = 'aborted'
    if (kind === 'rst' && sent.socket !== null) reset(sent.socket)
    sent.destroy()
  }
  return { entry, result: result.promise, head: head.promise, received, leave }
}

/** The `code` of an OpenAI-style error body, or undefined. */
export function errorCode(json: unknown): unknown {
  return isObject(json) && isObject(json.error) ? json.error.code : undefined
}
