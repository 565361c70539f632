/*
 * What OpenAI keeps, account by account: files, containers, and reasoning that only the account can read which got it. Written from
 * the API reference ("Files", "Responses", "Containers", 2026-11). Independent of the gateway.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isMembers, type Members } from '../shape.ts'

/** A request as the vendor saw it. */
export interface AccountCall {
  readonly method: string
  readonly path: string
  /** The account, by its key. */
  readonly key: string
  readonly body: Members
}

/** The vendor behind a socket. */
export class AccountsUpstream {
  readonly seen: AccountCall[] = []
  readonly #name: string
  readonly #keys: ReadonlySet<string>
  readonly #server: Server
  /** Accounts by what they have. */
  readonly #things = new Map<string, string>()

  private constructor(name: string, keys: readonly string[]) {
    this.#name = name
    this.#keys = new Set(keys)
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  /** Starts one on a free loopback port; ids of it have the name in them. */
  static async start(name: string, keys: readonly string[]): Promise<AccountsUpstream> {
    const upstream = new AccountsUpstream(name, keys)
    await new Promise<void>((resolve) => upstream.#server.listen(0, '127.0.0.1', resolve))
    return upstream
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo // a TCP server that listens
    return `http://127.0.0.1:${port}/v1`
  }

  get last(): AccountCall {
    const last = this.seen.at(-1)
    if (last === undefined) throw new Error('nothing was asked')
    return last
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer) // a request without an encoding gives buffers
    const text = Buffer.concat(chunks).toString()
    const isJson = request.headers['content-type']?.startsWith('application/json') === true
    const value: unknown = isJson && text !== '' ? JSON.parse(text) : {}
    const key = (request.headers.authorization ?? '').replace('Bearer ', '')
    const path = (request.url ?? '').replace(/^\/v1/, '')
    const body = isMembers(value) ? value : {}
    this.seen.push({ method: request.method ?? '', path, key, body })
    const answer = this.#keys.has(key) ? this.#answer(key, path, body) : fault(401, 'wrong key', null)
    response.writeHead(answer.status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer.body))
  }

  #answer(key: string, path: string, body: Members): Answer {
    const [, kind = ''] = path.split('/')
    if (kind === 'files') {
      const id = this.#make(`file-${this.#name}`, key)
      return { status: 200, body: { id, object: 'file', bytes: 1, created_at: 1, filename: 'a', purpose: 'user_data' } }
    }
    if (kind === 'vector_stores') return this.#store(key, path, body)
    const foreign = named(body).find((id) => this.#things.get(id) !== key)
    if (foreign !== undefined) return fault(404, `No such File object: ${foreign}`, null)
    const sealed = texts(body, 'encrypted_content').find((seal) => seal !== sealOf(key))
    if (sealed !== undefined) {
      return fault(400, 'The encrypted content could not be decrypted.', 'invalid_encrypted_content')
    }
    if (kind === 'responses') return { status: 200, body: this.#response(key, body) }
    if (kind === 'chat') return { status: 200, body: chatAnswer(body) }
    return { status: 200, body: { id: 'job-1', object: 'fine_tuning.job', ...body } }
  }

  #store(key: string, path: string, { name }: Members): Answer {
    const [, , said = ''] = path.split('/')
    if (name === undefined && said === '') {
      const own = [...this.#things].filter(([id, owner]) => id.startsWith('vs') && owner === key)
      return { status: 200, body: { object: 'list', data: own.map(([id]) => ({ id, object: 'vector_store' })) } }
    }
    const id = said === '' ? this.#make('vs', key) : said
    if (this.#things.get(id) !== key) return fault(404, `No vector store ${id}`, null)
    return { status: 200, body: { id, object: 'vector_store', name: 'mine' } }
  }

  #response(key: string, body: Members): Members {
    const output: Members[] = [
      { id: 'rs_1', type: 'reasoning', summary: [], encrypted_content: sealOf(key) },
      message('done'),
    ]
    if (Array.isArray(body['tools'])) {
      const id = this.#make('cntr', key)
      output.push({ id: 'ci_1', type: 'code_interpreter_call', status: 'completed', code: '1', container_id: id })
    }
    return {
      id: `resp_${this.seen.length}`,
      object: 'response',
      created_at: 1,
      status: 'completed',
      model: body['model'],
      output,
      parallel_tool_calls: true,
      tool_choice: 'auto',
      tools: [],
      usage: {
        input_tokens: 3,
        input_tokens_details: { cached_tokens: 0 },
        output_tokens: 2,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: 5,
      },
    }
  }

  #make(start: string, key: string): string {
    const id = `${start}_${this.#things.size + 1}`
    this.#things.set(id, key)
    return id
  }
}

interface Answer {
  readonly status: number
  readonly body: Members
}

function sealOf(key: string): string {
  return `sealed-for-${key.slice(0, 11)}`
}

function message(text: string): Members {
  const content = [{ type: 'output_text', text, annotations: [] }]
  return { id: 'msg_1', type: 'message', role: 'assistant', status: 'completed', content }
}

function chatAnswer(body: Members): Members {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: body['model'],
    choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'done', refusal: null } }],
    usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
  }
}

/** Everything in a body that names a thing of an account. */
function named(body: Members): string[] {
  const files = ['file_id', 'file_ids', 'training_file', 'vector_store_ids', 'container_id', 'container']
  return files.flatMap((member) => texts(body, member))
}

/** Texts that a member has, however deep. */
function texts(value: unknown, member: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => texts(item, member))
  if (!isMembers(value)) return []
  return Object.entries(value).flatMap(([name, inner]) => {
    if (name !== member) return texts(inner, member)
    if (typeof inner === 'string') return [inner]
    return Array.isArray(inner) ? inner.filter((item) => typeof item === 'string') : texts(inner, member)
  })
}

function fault(status: number, text: string, code: string | null): Answer {
  return { status, body: { error: { message: text, type: 'invalid_request_error', param: null, code } } }
}
