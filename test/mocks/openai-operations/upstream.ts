import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { isMembers, type Members } from '../shape.ts'
import { FORM_FIELDS, JSON_SHAPES } from './shapes.ts'

/** A request as the upstream saw it. */
export interface SeenOperation {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly json: unknown
  readonly form: FormData | null
  readonly bytes: number
}

/** Answers one request; undefined: as the vendor would. */
export type Answering = (seen: SeenOperation, response: ServerResponse) => boolean | undefined

/** OpenAI's endpoints that hold no conversation, as strict as the vendor is, over the network. */
export class OperationsUpstream {
  readonly requests: SeenOperation[] = []
  readonly key: string
  answering: Answering = () => undefined
  upgrading: (request: IncomingMessage, socket: Socket, head: Buffer) => void = (_request, socket) => socket.destroy()
  readonly #server: Server
  /** False: batches do not say what they used, as with most vendors of this shape; their output files do. */
  batchesTell = true
  readonly #files = new Map<string, { readonly name: string; readonly bytes: Buffer; readonly purpose: string }>()
  readonly #batches = new Map<string, Members>()
  readonly #sockets = new Set<Socket>()

  private constructor(key: string) {
    this.key = key
    this.#server = createServer((request, response) => void this.#serve(request, response))
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    this.#server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) =>
      this.upgrading(request, socket, head),
    )
  }

  /** Starts one on a free loopback port. */
  static async start(key: string): Promise<OperationsUpstream> {
    const upstream = new OperationsUpstream(key)
    await new Promise<void>((resolve) => upstream.#server.listen(0, '127.0.0.1', resolve))
    return upstream
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo // a TCP server that listens
    return `http://127.0.0.1:${port}/v1`
  }

  get last(): SeenOperation {
    const last = this.requests.at(-1)
    if (last === undefined) throw new Error('nothing was asked')
    return last
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer) // a request without an encoding gives buffers
    } catch {
      return // the gateway broke off: that is looked at by its own tests
    }
    const body = Buffer.concat(chunks)
    const type = request.headers['content-type'] ?? ''
    const isForm = type.startsWith('multipart/form-data')
    const path = (request.url ?? '').replace(/^\/v1/, '')
    const seen: SeenOperation = {
      method: request.method ?? '',
      path,
      headers: request.headers,
      json: type.startsWith('application/json') && body.length > 0 ? JSON.parse(body.toString()) : null,
      form: isForm ? await new Response(body, { headers: { 'content-type': type } }).formData() : null,
      bytes: body.length,
    }
    this.requests.push(seen)
    if (request.headers.authorization !== `Bearer ${this.key}`) return json(response, 401, fault('wrong key'))
    const wrong = wrongWith(seen, body)
    if (wrong !== null) return json(response, 400, fault(wrong))
    if (this.answering(seen, response) !== true) await this.#answer(seen, response)
  }

  async #answer(seen: SeenOperation, response: ServerResponse): Promise<void> {
    const { path, json: value, form } = seen
    const asked = isMembers(value) ? value : {}
    switch (path.split('?')[0] ?? '') {
      case '/embeddings': {
        const inputs = Array.isArray(asked['input']) ? asked['input'] : [asked['input']]
        const vector = [0.5, -0.25, 0.125]
        const packed = Buffer.from(new Float32Array(vector).buffer).toString('base64')
        const embedding = asked['encoding_format'] === 'base64' ? packed : vector
        const data = inputs.map((_, index) => ({ object: 'embedding', index, embedding }))
        return json(response, 200, {
          object: 'list',
          data,
          model: asked['model'],
          usage: { prompt_tokens: 7, total_tokens: 7 },
        })
      }
      case '/images/generations':
      case '/images/edits':
      case '/images/variations':
        return json(response, 200, {
          created: 1_790_000_000,
          data: [{ b64_json: 'iVBORw0KGgo=' }],
          ...(isText(asked['model']) && asked['model'].startsWith('gpt-image') ? { usage: IMAGE_USAGE } : {}),
        })
      case '/audio/speech':
        return speak(asked, response)
      case '/audio/transcriptions':
      case '/audio/translations':
        return await transcribe(form, response)
      case '/moderations':
        return json(response, 200, { id: 'modr-1', model: asked['model'], results: [{ flagged: false }] })
      case '/rerank':
        return json(response, 200, {
          id: 'rr-1',
          results: [{ index: 1, relevance_score: 0.9 }],
          meta: { api_version: { version: '2' }, billed_units: { search_units: 1 } },
        })
      default:
        return await this.#keep(seen, response)
    }
  }

  async #keep({ method, path, form, json: value }: SeenOperation, response: ServerResponse): Promise<void> {
    const [, kind = '', id = '', part] = (path.split('?')[0] ?? '').split('/')
    if (kind === 'files' && method === 'POST' && form !== null) {
      const file = form.get('file')
      const made = `file-${this.#files.size + 1}`
      const bytes = file instanceof File ? Buffer.from(await file.arrayBuffer()) : Buffer.alloc(0)
      const kept = { name: file instanceof File ? file.name : '', bytes, purpose: wordOf(form.get('purpose')) }
      this.#files.set(made, kept)
      return json(response, 200, fileObject(made, kept))
    }
    if (kind === 'files' && id === '') {
      const data = [...this.#files].map(([name, file]) => fileObject(name, file))
      return json(response, 200, {
        object: 'list',
        data,
        has_more: false,
        first_id: data[0]?.id,
        last_id: data.at(-1)?.id,
      })
    }
    if (kind === 'files' && id === 'file-9' && part === 'content') {
      response.writeHead(200, { 'content-type': 'application/octet-stream' })
      response.end(OUTPUT_LINES)
      return
    }
    const file = this.#files.get(id)
    if (kind === 'files' && file !== undefined) {
      if (method === 'DELETE') {
        this.#files.delete(id)
        return json(response, 200, { id, object: 'file', deleted: true })
      }
      if (part !== 'content') return json(response, 200, fileObject(id, file))
      response.writeHead(200, { 'content-type': 'application/octet-stream' })
      response.end(file.bytes)
      return
    }
    if (kind === 'batches' && method === 'POST' && id === '' && isMembers(value)) {
      if (!this.#files.has(String(value['input_file_id']))) return json(response, 400, fault('no such input file'))
      const made = `batch_${this.#batches.size + 1}`
      this.#batches.set(made, { id: made, object: 'batch', ...value, status: 'in_progress', created_at: 1_790_000_000 })
      return json(response, 200, this.#batches.get(made))
    }
    const batch = this.#batches.get(id)
    if (kind === 'batches' && batch !== undefined) {
      if (part === 'cancel') return json(response, 200, { ...batch, status: 'cancelling' })
      return json(response, 200, {
        ...batch,
        status: 'completed',
        output_file_id: 'file-9',
        ...(this.batchesTell ? { model: 'gpt-5-mini', usage: BATCH_USAGE } : {}),
      })
    }
    if (kind === 'batches' && id === '')
      return json(response, 200, { object: 'list', data: [...this.#batches.values()], has_more: false })
    json(response, 404, fault(`no ${method} ${path}`))
  }
}

function wordOf(value: File | string | null): string {
  return typeof value === 'string' ? value : ''
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

const IMAGE_USAGE = {
  input_tokens: 12,
  output_tokens: 1_056,
  total_tokens: 1_068,
  input_tokens_details: { text_tokens: 12, image_tokens: 0 },
}
/** The output of each batch: an answer of a model, and a request that failed. */
const OUTPUT_LINES = [
  {
    id: 'batch_req_1',
    custom_id: 'a',
    response: {
      status_code: 200,
      request_id: 'r',
      body: {
        model: 'gpt-5-mini',
        choices: [],
        usage: { prompt_tokens: 70, completion_tokens: 30, total_tokens: 100 },
      },
    },
    error: null,
  },
  {
    id: 'batch_req_2',
    custom_id: 'b',
    response: { status_code: 400, body: { error: { message: 'no' } } },
    error: null,
  },
]
  .map((line) => `${JSON.stringify(line)}\n`)
  .join('')

const BATCH_USAGE = {
  input_tokens: 1_000,
  input_tokens_details: { cached_tokens: 200 },
  output_tokens: 500,
  output_tokens_details: { reasoning_tokens: 100 },
  total_tokens: 1_500,
}

function fileObject(id: string, file: { readonly name: string; readonly bytes: Buffer; readonly purpose: string }) {
  return {
    id,
    object: 'file',
    bytes: file.bytes.length,
    created_at: 1_790_000_000,
    filename: file.name,
    purpose: file.purpose,
    status: 'processed',
  }
}

function wrongWith({ method, path, json: value, form }: SeenOperation, body: Buffer): string | null {
  const name = path.split('?')[0] ?? ''
  if (method !== 'POST') return body.length === 0 ? null : 'no body is taken'
  const fields = FORM_FIELDS[name]
  if (fields !== undefined) {
    if (form === null) return 'a form is needed'
    const given = [...form.keys()]
    const missing = fields.required.find((field) => !given.includes(field))
    if (missing !== undefined) return `${missing} is missing`
    const other = given.find((field) => !fields.required.includes(field) && !fields.optional.includes(field))
    return other === undefined ? null : `${other} is unknown`
  }
  const shape = JSON_SHAPES[name]
  if (shape === undefined) return null
  if (value === null) return 'JSON is needed'
  const nothing = isMembers(value) ? Object.keys(value).find((key) => value[key] === null) : undefined
  if (nothing !== undefined) return `${nothing} is null`
  const wrong = shape(value, '')
  return wrong === null ? null : `${wrong.path}: ${wrong.what}`
}

function speak(asked: Members, response: ServerResponse): void {
  if (asked['stream_format'] === 'sse') {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: {"type":"speech.audio.delta","audio":"AAEC"}\n\n')
    response.end(
      'data: {"type":"speech.audio.done","usage":{"input_tokens":4,"output_tokens":20,"total_tokens":24}}\n\n',
    )
    return
  }
  response.writeHead(200, { 'content-type': 'audio/mpeg' })
  response.write(Buffer.alloc(1_000, 1))
  response.end(Buffer.alloc(300_000, 2))
}

async function transcribe(form: FormData | null, response: ServerResponse): Promise<void> {
  const file = form?.get('file')
  const size = file instanceof File ? (await file.arrayBuffer()).byteLength : 0
  const format = form?.get('response_format') ?? 'json'
  if (form?.get('stream') === 'true') {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: {"type":"transcript.text.delta","delta":"heard"}\n\n')
    const usage = {
      type: 'tokens',
      input_tokens: 30,
      output_tokens: 5,
      total_tokens: 35,
      input_token_details: { audio_tokens: 28 },
    }
    response.end(`data: ${JSON.stringify({ type: 'transcript.text.done', text: 'heard', usage })}\n\n`)
    return
  }
  if (format === 'text' || format === 'srt' || format === 'vtt') {
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' })
    response.end(`heard ${size} bytes\n`)
    return
  }
  const more = format === 'verbose_json' ? { task: 'transcribe', language: 'english', duration: 3.2, segments: [] } : {}
  json(response, 200, { text: `heard ${size} bytes`, ...more, usage: { type: 'duration', seconds: 4 } })
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}

function fault(message: string): object {
  return { error: { message, type: 'invalid_request_error', param: null, code: null } }
}
