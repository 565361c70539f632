/*
 * OpenAI's Responses with what the vendor keeps: answers, their items, answers in the background, conversations, counts. Written from
 * the API reference ("Responses", "Conversations", 2026-11). What an account made no other account finds. Independent of the gateway.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isMembers, type Members } from '../shape.ts'
import { responsesAnswer, responsesError, responsesStream, sseText } from './answers.ts'
import { checkResponsesBody } from './check-request.ts'

/** A request as the vendor saw it. */
export interface SeenCall {
  readonly method: string
  readonly path: string
  /** The account, by its key. */
  readonly key: string
  readonly body: Members
}

interface Kept {
  readonly key: string
  answer: Members
  readonly input: readonly Members[]
  /** Looks until it is done; null: it is. */
  looks: number | null
}

const COUNT_MEMBERS = new Set([
  'conversation',
  'input',
  'instructions',
  'model',
  'parallel_tool_calls',
  'previous_response_id',
  'reasoning',
  'text',
  'tool_choice',
  'tools',
  'truncation',
])
/** Tokens of every input that is counted. */
export const COUNTED = 4_711

/** The vendor behind a socket. */
export class ResponsesKeeper {
  readonly seen: SeenCall[] = []
  /** Looks that find an answer in the background still under way. */
  looksUntilDone = 1
  readonly #keys: ReadonlySet<string>
  readonly #server: Server
  readonly #answers = new Map<string, Kept>()
  readonly #conversations = new Map<string, string>()
  readonly #name: string
  #made = 0

  private constructor(name: string, keys: readonly string[]) {
    this.#name = name
    this.#keys = new Set(keys)
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  /** Starts one for accounts with these keys; `name` is part of the ids that it gives. */
  static async start(name: string, keys: readonly string[]): Promise<ResponsesKeeper> {
    const keeper = new ResponsesKeeper(name, keys)
    await new Promise<void>((resolve) => keeper.#server.listen(0, '127.0.0.1', resolve))
    return keeper
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo // a TCP server that listens
    return `http://127.0.0.1:${port}/v1`
  }

  get last(): SeenCall {
    const last = this.seen.at(-1)
    if (last === undefined) throw new Error('nothing was asked')
    return last
  }

  /** All answers in the background are over. */
  finish(): void {
    this.looksUntilDone = 0
    for (const kept of this.#answers.values()) kept.looks = null
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer) // a request without an encoding gives buffers
    const bytes = Buffer.concat(chunks)
    const parsed: unknown = bytes.length === 0 ? {} : JSON.parse(bytes.toString())
    const { method = '', url = '', headers } = request
    const key = (headers.authorization ?? '').replace(/^Bearer /, '')
    const call = { method, path: url.replace(/^\/v1/, ''), key, body: isMembers(parsed) ? parsed : {} }
    this.seen.push(call)
    if (!this.#keys.has(key)) return refuse(response, 401, 'Incorrect API key provided.')
    const [path = '', query = ''] = call.path.split('?')
    const [, kind = '', id = '', below] = path.split('/')
    if (kind === 'conversations') return this.#converse(call, id, response)
    if (kind !== 'responses') return refuse(response, 404, `Invalid URL (${method} ${path})`)
    if (id === '') return this.#create(call, response)
    if (id === 'input_tokens') return count(call, response)
    if (id === 'compact') return compact(call, response)
    const kept = this.#answers.get(id)
    if (kept === undefined || kept.key !== key) return refuse(response, 404, `Response with id '${id}' not found.`)
    this.#look(call, { kept, id, below, query: new URLSearchParams(query) }, response)
  }

  #create({ key, body }: SeenCall, response: ServerResponse): void {
    const refusal = checkResponsesBody(body)
    if (refusal !== null) return send(response, refusal.status, refusal.body)
    const { previous_response_id: previous, conversation, background, stream, store } = body
    if (typeof previous === 'string' && this.#answers.get(previous)?.key !== key) {
      return refuse(response, 400, `Previous response with id '${previous}' not found.`, 'previous_response_id')
    }
    if (typeof conversation === 'string' && this.#conversations.get(conversation) !== key) {
      return refuse(response, 404, `Conversation with id '${conversation}' not found.`)
    }
    const id = `resp_${this.#name}${++this.#made}`
    const mine = { id, previous_response_id: previous ?? null, background: background === true }
    const whole = { ...responsesAnswer('text'), ...mine }
    const item = { type: 'message', role: 'user', id: `msg_in${this.#made}`, status: 'completed', content: [] }
    const queued = { ...whole, status: 'queued', output: [], usage: null, completed_at: null }
    const looks = background === true && stream !== true ? this.looksUntilDone : null
    if (store !== false) this.#answers.set(id, { key, answer: whole, input: [item], looks })
    if (stream === true) {
      const events = responsesStream('text').map((event) =>
        isMembers(event['response']) ? { ...event, response: { ...event['response'], ...mine } } : event,
      )
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(sseText(events))
      return
    }
    send(response, 200, background === true ? queued : whole)
  }

  #look(
    { method }: SeenCall,
    { kept, id, below, query }: { kept: Kept; id: string; below: string | undefined; query: URLSearchParams },
    response: ServerResponse,
  ): void {
    if (method === 'DELETE' && below === undefined) {
      this.#answers.delete(id)
      return send(response, 200, { id, object: 'response', deleted: true })
    }
    if (method === 'POST' && below === 'cancel') {
      if (kept.answer['background'] !== true) return refuse(response, 400, 'Cannot cancel a synchronous response.')
      kept.looks = null
      kept.answer = { ...kept.answer, status: 'cancelled', output: [], usage: null }
      return send(response, 200, kept.answer)
    }
    if (method !== 'GET') return refuse(response, 405, `Not allowed to ${method}.`)
    if (below === 'input_items') {
      const data = query.get('order') === 'asc' ? kept.input : kept.input.toReversed()
      const ends = { first_id: data[0]?.['id'], last_id: data.at(-1)?.['id'] }
      return send(response, 200, { object: 'list', data, ...ends, has_more: false })
    }
    if (kept.looks !== null && kept.looks > 0) {
      kept.looks--
      return send(response, 200, { ...kept.answer, status: 'in_progress', output: [], usage: null, completed_at: null })
    }
    if (query.get('stream') !== 'true') return send(response, 200, kept.answer)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end(sseText([{ type: 'response.completed', sequence_number: 9, response: kept.answer }]))
  }

  #converse({ method, key, body }: SeenCall, id: string, response: ServerResponse): void {
    if (id === '') {
      if (method !== 'POST') return refuse(response, 405, 'Conversations cannot be listed.')
      const made = `conv_${this.#name}${++this.#made}`
      this.#conversations.set(made, key)
      return send(response, 200, {
        id: made,
        object: 'conversation',
        created_at: 1_790_000_000,
        metadata: body['metadata'] ?? {},
      })
    }
    if (this.#conversations.get(id) !== key) return refuse(response, 404, `Conversation with id '${id}' not found.`)
    if (method === 'DELETE') {
      this.#conversations.delete(id)
      return send(response, 200, { id, object: 'conversation.deleted', deleted: true })
    }
    send(response, 200, { id, object: 'conversation', created_at: 1_790_000_000, metadata: {} })
  }
}

function count({ method, body }: SeenCall, response: ServerResponse): void {
  if (method !== 'POST') return refuse(response, 405, `Not allowed to ${method}.`)
  const unknown = Object.keys(body).find((name) => !COUNT_MEMBERS.has(name))
  if (unknown !== undefined) return refuse(response, 400, `Unknown parameter: '${unknown}'.`, unknown)
  const refusal = checkResponsesBody(body)
  if (refusal !== null) return send(response, refusal.status, refusal.body)
  send(response, 200, { object: 'response.input_tokens', input_tokens: COUNTED })
}

function compact({ method, body }: SeenCall, response: ServerResponse): void {
  if (method !== 'POST') return refuse(response, 405, `Not allowed to ${method}.`)
  if (typeof body['model'] !== 'string') return refuse(response, 400, "Missing required parameter: 'model'.", 'model')
  const output = [{ type: 'compaction', id: 'cmp_1', encrypted_content: 'gAAAAcompacted==' }]
  const head = { id: 'resp_compacted', object: 'response.compaction', created_at: 1_790_000_000 }
  send(response, 200, { ...head, output, usage: responsesAnswer('text')['usage'] })
}

function refuse(response: ServerResponse, status: number, message: string, param: string | null = null): void {
  send(response, status, responsesError(status, message, { param }).body)
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}
