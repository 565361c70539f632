import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import Anthropic, { toFile } from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import { keyPair } from '../harness/config.ts'
import { Gateway } from '../harness/gateway.ts'
import { at } from '../harness/json.ts'

const mine = keyPair('mine')
const other = keyPair('other')
const KEYS = {
  anthropic: 'anthropic-account-Kq8vTn3Rs1',
  gemini: 'gemini-account-Wm2xLp7Yd4',
  openai: 'openai-account-Zb6cHj9',
}

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** A vendor behind a socket; answers what the function says. */
class Vendor {
  readonly seen: Seen[] = []
  readonly #server: Server

  constructor(answer: (seen: Seen, response: ServerResponse) => void) {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const { method = '', url = '', headers } = request
        const seen = { method, url, headers, body: Buffer.concat(chunks) }
        this.seen.push(seen)
        answer(seen, response)
      })
    })
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}` // a TCP server that listens
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}

function json(response: ServerResponse, status: number, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(value))
}

const messageFile = {
  id: 'file_011a',
  type: 'file',
  filename: 'a.txt',
  mime_type: 'text/plain',
  size_bytes: 1,
  created_at: '2026-11-21T00:00:00Z',
  downloadable: false,
}

/** Anthropic's Files API and Messages (API reference, beta files-api-2025-04-14). */
const anthropic = new Vendor(({ method, url: asked, headers, body }, response) => {
  // The official client says the beta in the query as well.
  const url = asked.replace('beta=true&', '').replace(/[?&]beta=true$/, '')
  const refuse = (status: number, message: string) =>
    json(response, status, {
      type: 'error',
      error: { type: status === 404 ? 'not_found_error' : 'invalid_request_error', message },
    })
  if (headers['x-api-key'] !== KEYS.anthropic) return refuse(401, 'wrong key')
  if (headers['anthropic-version'] === undefined) return refuse(400, 'anthropic-version is missing')
  if (!String(headers['anthropic-beta']).includes('files-api-2025-04-14')) return refuse(400, 'the beta is missing')
  if (url.startsWith('/v1/messages')) {
    const source = at(JSON.parse(body.toString()), 'messages', 0, 'content', 0, 'source')
    if (at(source, 'file_id') !== messageFile.id) return refuse(404, 'File not found')
    return json(response, 200, {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude-sonnet-4-5',
      content: [{ type: 'text', text: 'read' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 3, output_tokens: 1 },
    })
  }
  if (method === 'POST' && url === '/v1/files') {
    if (!body.includes('name="file"') || body.includes('name="purpose"')) return refuse(400, 'file: field required')
    return json(response, 200, messageFile)
  }
  if (url === '/v1/files?limit=5')
    return json(response, 200, {
      data: [messageFile, { ...messageFile, id: 'file_others' }],
      first_id: 'file_011a',
      last_id: 'file_others',
      has_more: false,
    })
  if (url !== '/v1/files/file_011a') return refuse(404, `no ${method} ${url}`)
  json(response, 200, method === 'DELETE' ? { id: 'file_011a', type: 'file_deleted' } : messageFile)
})

const GOOGLE_FILE = {
  name: 'files/abc',
  uri: 'https://generativelanguage.googleapis.com/v1beta/files/abc',
  mimeType: 'text/plain',
  state: 'ACTIVE',
  sizeBytes: '5',
}

/** Gemini's Files API and its resumable uploads (API reference, v1beta). */
const gemini = new Vendor((seen, response) => {
  const { method, url, headers, body } = seen
  const refuse = (code: number, message: string) =>
    json(response, code, { error: { code, message, status: 'INVALID_ARGUMENT' } })
  if (headers['x-goog-api-key'] !== KEYS.gemini) return refuse(403, 'wrong key')
  if (url === '/upload/v1beta/files' && headers['x-goog-upload-command'] === 'start') {
    if (headers['x-goog-upload-protocol'] !== 'resumable' || headers['x-goog-upload-header-content-length'] !== '5')
      return refuse(400, 'no resumable upload')
    const host = headers.host ?? ''
    response.writeHead(200, {
      'x-goog-upload-url': `http://${host}/upload/v1beta/files?upload_id=u1&upload_protocol=resumable`,
      'x-goog-upload-status': 'active',
      'content-length': '0',
    })
    response.end()
    return
  }
  if (url === '/upload/v1beta/files?upload_id=u1&upload_protocol=resumable') {
    if (
      headers['x-goog-upload-command'] !== 'upload, finalize' ||
      headers['x-goog-upload-offset'] !== '0' ||
      body.toString() !== 'hello'
    )
      return refuse(400, 'no whole upload')
    return json(response, 200, { file: GOOGLE_FILE }, { 'x-goog-upload-status': 'final' })
  }
  if (url.startsWith('/v1beta/files?') || url === '/v1beta/files')
    return json(response, 200, { files: [GOOGLE_FILE, { ...GOOGLE_FILE, name: 'files/others' }] })
  if (url === '/v1beta/files/abc') return json(response, 200, method === 'DELETE' ? {} : GOOGLE_FILE)
  if (url.endsWith(':generateContent')) {
    return json(response, 200, {
      candidates: [{ content: { role: 'model', parts: [{ text: 'read' }] }, finishReason: 'STOP', index: 0 }],
      usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 1, totalTokenCount: 4 },
    })
  }
  refuse(404, `no ${method} ${url}`)
})
const openai = new Vendor((_seen, response) => json(response, 500, {}))

let gateway: Gateway

before(async () => {
  const [anthropicUrl, geminiUrl, openaiUrl] = [await anthropic.start(), await gemini.start(), await openai.start()]
  gateway = await Gateway.start({
    config: {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 1,
      providers: {
        ant: { kind: 'anthropic', direct: true, base_url: `${anthropicUrl}/v1`, api_key: KEYS.anthropic },
        gem: { kind: 'gemini', direct: true, base_url: `${geminiUrl}/v1beta`, api_key: KEYS.gemini },
        oai: { kind: 'openai', direct: true, base_url: `${openaiUrl}/v1`, api_key: KEYS.openai },
      },
      files: { provider: 'oai' },
      keys: [mine, other].map(({ id, hash }) => ({ id, hash })),
    },
    readyDeadlineMs: 60_000,
  })
})

after(async () => {
  await gateway?.close()
  await Promise.all([anthropic, gemini, openai].map((vendor) => vendor.close()))
})

test('a file of an Anthropic client goes to who speaks its dialect, and is the key’s own', async () => {
  const client = ({ secret } = mine) => new Anthropic({ apiKey: secret, baseURL: gateway.url, maxRetries: 0 })
  const betas: Anthropic.AnthropicBeta[] = ['files-api-2025-04-14']
  const made = await client().beta.files.upload({
    file: await toFile(Buffer.from('x'), 'a.txt', { type: 'text/plain' }),
    betas,
  })
  assert.match(made.id, /^file_011a\.at\.ant\.[0-9a-f]{16}$/)
  const listed = await client().beta.files.list({ limit: 5, betas })
  assert.deepEqual(
    listed.data.map(({ id }) => id),
    [made.id],
  )
  assert.equal((await client().beta.files.retrieveMetadata(made.id, { betas })).id, made.id)
  const ask = async (id: string, of = mine) =>
    await client(of).beta.messages.create({
      model: 'ant/claude-sonnet-4-5',
      max_tokens: 10,
      messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'file', file_id: id } }] }],
      betas,
    })
  for (const id of [made.id, 'file_011a']) {
    assert.equal((await ask(id)).stop_reason, 'end_turn')
    await assert.rejects(ask(id, other), Anthropic.NotFoundError)
    await assert.rejects(client(other).beta.files.retrieveMetadata(id, { betas }), Anthropic.NotFoundError)
  }
  assert.deepEqual((await client(other).beta.files.list({ limit: 5, betas })).data, [])
  await assert.rejects(
    client().beta.messages.create({
      model: 'gem/gemini-2.5-flash',
      max_tokens: 10,
      messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'file', file_id: made.id } }] }],
      betas,
    }),
    (error) =>
      error instanceof Anthropic.BadRequestError && /the model .*gem.*is not one of its models/.test(error.message),
  )
  assert.equal((await client().beta.files.delete(made.id, { betas })).id, made.id)
  assert.deepEqual(openai.seen, [])
})

test('Google’s client uploads files, lists its own and asks about them', async () => {
  const client = ({ secret } = mine) => new GoogleGenAI({ apiKey: secret, httpOptions: { baseUrl: gateway.url } })
  const made = await client().files.upload({ file: new Blob(['hello'], { type: 'text/plain' }) })
  assert.equal(made.name, 'files/abc')
  assert.equal((await client().files.get({ name: 'files/abc' })).uri, GOOGLE_FILE.uri)
  const ask = async (of = mine) =>
    await client(of).models.generateContent({
      model: 'gem/gemini-2.5-flash',
      contents: [{ role: 'user', parts: [{ fileData: { fileUri: GOOGLE_FILE.uri, mimeType: 'text/plain' } }] }],
    })
  assert.equal((await ask()).text, 'read')
  const names = async (of = mine) => (await client(of).files.list()).page.map(({ name }) => name)
  assert.deepEqual(await names(), ['files/abc'])
  const calls = gemini.seen.length
  await assert.rejects(ask(other), /permission/)
  await assert.rejects(client(other).files.get({ name: 'files/abc' }))
  assert.equal(gemini.seen.length, calls)
  assert.deepEqual(await names(other), [])
  await client().files.delete({ name: 'files/abc' })
  assert.ok(gemini.seen.every(({ url }) => !url.includes('ferro') && !url.includes(mine.secret)))
})
