import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isMembers, type Members } from '../shape.ts'
import { checkBody } from './check-request.ts'

/** A request as the vendor saw it. */
export interface SeenBatchCall {
  readonly method: string
  readonly url: string
  readonly body: string
}

const COUNTS = { processing: 0, succeeded: 0, errored: 0, canceled: 0, expired: 0 }
const MADE = {
  type: 'message_batch',
  processing_status: 'in_progress',
  created_at: '2026-11-21T00:00:00Z',
  expires_at: '2026-11-22T00:00:00Z',
  ended_at: null,
  archived_at: null,
  cancel_initiated_at: null,
  results_url: null,
}

/**
 * Anthropic's Message Batches API (API reference, 2026-11), over the network: holds what it gets against the reference, and ends
 * a batch when it is told how.
 */
export class BatchesVendor {
  readonly seen: SeenBatchCall[] = []
  /** Called with the answer to a request for results; true: it was answered. */
  answering: (response: ServerResponse) => boolean = () => false
  readonly #key: string
  #made = 0
  readonly #batches = new Map<string, { batch: Members; results: string }>()
  readonly #server: Server

  constructor(key: string) {
    this.#key = key
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}` // a TCP server that listens
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  /** A batch is over, with these results for its requests. */
  end(id: string, results: readonly Members[]): void {
    const kept = this.#batches.get(id)
    if (kept === undefined) throw new Error(`no batch ${id}`)
    const counts: Record<string, number> = { ...COUNTS }
    for (const { result } of results) {
      const type = isMembers(result) ? String(result['type']) : ''
      counts[type] = (counts[type] ?? 0) + 1
    }
    const url = `https://api.anthropic.com/v1/messages/batches/${id}/results`
    const ended = { processing_status: 'ended', ended_at: '2026-11-21T01:00:00Z', results_url: url }
    kept.batch = { ...kept.batch, ...ended, request_counts: counts }
    kept.results = results.map((result) => `${JSON.stringify(result)}\n`).join('')
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer) // a request without an encoding gives buffers
    const { method = '', url = '', headers } = request
    const body = Buffer.concat(chunks).toString()
    this.seen.push({ method, url, body })
    const refuse = (status: number, message: string) => {
      const type = status === 404 ? 'not_found_error' : 'invalid_request_error'
      json(response, status, { type: 'error', error: { type, message } })
    }
    if (headers['x-api-key'] !== this.#key || headers.authorization !== undefined) return refuse(401, 'wrong key')
    if (headers['anthropic-version'] !== '2023-06-01') return refuse(400, 'anthropic-version: header is required')
    const [path = '', query = ''] = url.split('?')
    const [, , , , id = '', part = ''] = path.split('/')
    if (!path.startsWith('/v1/messages/batches')) return refuse(404, 'Not Found')
    if (method === 'POST' && id === '') return this.#create(headers, body, response, refuse)
    if (body !== '') return refuse(400, 'no body is taken')
    if (id === '') return this.#list(new URLSearchParams(query), response, refuse)
    const kept = this.#batches.get(id)
    if (kept === undefined) return refuse(404, `No batch ${id}`)
    const { batch, results } = kept
    if (method === 'GET' && part === '') return json(response, 200, batch)
    if (method === 'POST' && part === 'cancel') {
      kept.batch = { ...batch, processing_status: 'canceling', cancel_initiated_at: '2026-11-21T00:10:00Z' }
      return json(response, 200, kept.batch)
    }
    const isOver = batch['processing_status'] === 'ended'
    if (method === 'DELETE' && part === '') {
      if (!isOver) return refuse(400, 'A batch in progress cannot be deleted')
      this.#batches.delete(id)
      return json(response, 200, { id, type: 'message_batch_deleted' })
    }
    if (method !== 'GET' || part !== 'results') return refuse(405, 'Method Not Allowed')
    if (!isOver) return refuse(404, 'Results are not available yet')
    if (this.answering(response)) return
    response.writeHead(200, { 'content-type': 'application/x-jsonl' })
    const middle = Math.floor(results.length / 2)
    response.write(results.slice(0, middle))
    response.end(results.slice(middle))
  }

  #create(
    headers: IncomingMessage['headers'],
    body: string,
    response: ServerResponse,
    refuse: (status: number, message: string) => void,
  ): void {
    if (headers['content-type']?.startsWith('application/json') !== true) return refuse(400, 'not JSON')
    const value: unknown = JSON.parse(body)
    const wrong = wrongWith(value)
    if (wrong !== null || !isMembers(value)) return refuse(400, wrong ?? 'not an object')
    const id = `msgbatch_${++this.#made}`
    const processing = Array.isArray(value['requests']) ? value['requests'].length : 0
    const batch = { id, ...MADE, request_counts: { ...COUNTS, processing } }
    this.#batches.set(id, { batch, results: '' })
    json(response, 200, batch)
  }

  #list(query: URLSearchParams, response: ServerResponse, refuse: (status: number, message: string) => void): void {
    for (const [name, value] of query) {
      if (!['limit', 'before_id', 'after_id', 'beta'].includes(name)) return refuse(400, `${name}: unknown`)
      if (name.endsWith('_id') && !this.#batches.has(value)) return refuse(400, `${name}: no such batch`)
    }
    const all = [...this.#batches.values()].map(({ batch }) => batch).reverse()
    const after = all.findIndex(({ id }) => id === query.get('after_id')) + 1
    const data = all.slice(after, after + Number(query.get('limit') ?? '20'))
    json(response, 200, {
      data,
      has_more: after + data.length < all.length,
      first_id: data[0]?.['id'] ?? null,
      last_id: data.at(-1)?.['id'] ?? null,
    })
  }
}

function wrongWith(value: unknown): string | null {
  if (!isMembers(value) || !Array.isArray(value['requests'])) return 'requests: Field required'
  const extra = Object.keys(value).find((name) => name !== 'requests')
  if (extra !== undefined) return `${extra}: Extra inputs are not permitted`
  if (value['requests'].length === 0) return 'requests: List should have at least 1 item'
  const seen = new Set<unknown>()
  for (const [index, each] of value['requests'].entries()) {
    if (!isMembers(each)) return `requests.${index}: Input should be an object`
    const { custom_id: id, params, ...more } = each
    if (typeof id !== 'string' || !/^[a-zA-Z0-9_-]{1,64}$/.test(id) || seen.has(id))
      return `requests.${index}.custom_id`
    if (Object.keys(more).length > 0) return `requests.${index}: Extra inputs are not permitted`
    seen.add(id)
    const wrong = checkBody(params)
    if (wrong !== null) return `requests.${index}.params.${wrong.path}: ${wrong.what}`
    if (!isMembers(params) || params['stream'] === true) return `requests.${index}.params.stream: not supported`
    if (!String(params['model']).startsWith('claude-')) return `requests.${index}.params.model: not found`
  }
  return null
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}
