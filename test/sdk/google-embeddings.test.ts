import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { ApiError, GoogleGenAI } from '@google/genai'
import { keyPair, type TestKey } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { at, isObject, type JsonObject, parseJson } from '../harness/json.ts'
import { OperationsUpstream } from '../mocks/openai-operations/upstream.ts'

const OPENAI_KEY = 'embeddings-openai-key-Vb3nTq7Lx2'
const GOOGLE_KEY = 'embeddings-google-key-Hw9sRk4Yd6'

/** Google's methods that embed, as strict as its API is about their members. */
class Google {
  readonly asked: { readonly path: string; readonly body: JsonObject }[] = []
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response))

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1beta` // a TCP server that listens
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer) // a request without an encoding gives buffers
    const body = parseJson(Buffer.concat(chunks).toString())
    const path = request.url ?? ''
    assert.ok(isObject(body))
    this.asked.push({ path, body })
    const [, model = '', method] = /^\/v1beta\/models\/([^/:]+):(\w+)$/.exec(path) ?? []
    const say = (status: number, value: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(value))
    }
    const requests = method === 'batchEmbedContents' ? body['requests'] : [body]
    const isRight =
      request.headers['x-goog-api-key'] === GOOGLE_KEY &&
      Array.isArray(requests) &&
      requests.every((each: unknown) => [undefined, `models/${model}`].some((name) => at(each, 'model') === name))
    if (!isRight || model === 'gone') {
      return say(400, { error: { code: 400, message: 'Wrong somewhere.', status: 'INVALID_ARGUMENT' } })
    }
    const usageMetadata = { promptTokenCount: 4 }
    if (method === 'embedContent') return say(200, { embedding: { values: [1, 2], shape: [2] }, usageMetadata })
    return say(200, { embeddings: requests.map(() => ({ values: [3, 4] })), usageMetadata })
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

const google = new Google()
let upstream: OperationsUpstream
let gateway: Gateway
let key: TestKey
let client: GoogleGenAI

before(async () => {
  const url = await google.start()
  upstream = await OperationsUpstream.start(OPENAI_KEY)
  key = keyPair('google-embeddings')
  const talker = keyPair('talker')
  gateway = await Gateway.start({
    config: {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 1,
      providers: {
        vendor: { kind: 'openai-compatible', direct: true, api_key: OPENAI_KEY, base_url: upstream.url },
        google: { kind: 'gemini', direct: true, api_key: GOOGLE_KEY, base_url: url },
      },
      models: {
        spare: {
          targets: [
            { provider: 'vendor', model: 'text-embedding-3-small' },
            { provider: 'google', model: 'gemini-embedding-001' },
          ],
        },
      },
      keys: [
        { id: key.id, hash: key.hash, scopes: ['embeddings.create'] },
        { id: talker.id, hash: talker.hash, scopes: ['content.generate'] },
      ],
    },
  })
  const options = (secret: string) => ({ apiKey: secret, httpOptions: { baseUrl: gateway.url } })
  client = new GoogleGenAI(options(key.secret))
  other = new GoogleGenAI(options(talker.secret))
})
let other: GoogleGenAI

after(async () => {
  await gateway?.close()
  await upstream?.close()
  google.close()
})

async function post(
  path: string,
  body: unknown,
): Promise<{ readonly status: number; readonly json: unknown; readonly headers: Headers }> {
  const response = await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { 'x-goog-api-key': key.secret, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, json: await response.json(), headers: response.headers }
}

test("Google's client gets vectors of a model of OpenAI's, in its own words, and they are counted", async () => {
  const { embeddings } = await client.models.embedContent({
    model: 'vendor/text-embedding-3-small',
    contents: ['a', 'b'],
    config: { taskType: 'RETRIEVAL_QUERY', outputDimensionality: 3 },
  })
  assert.deepEqual(
    embeddings?.map(({ values }) => values),
    [
      [0.5, -0.25, 0.125],
      [0.5, -0.25, 0.125],
    ],
  )
  assert.deepEqual(upstream.last.json, { model: 'text-embedding-3-small', input: ['a', 'b'], dimensions: 3 })
  await eventually(
    () => {
      using database = gateway.db()
      const row = database.prepare("SELECT * FROM requests WHERE provider = 'vendor'").get()
      return row !== undefined && row['route'] === 'embeddings' && row['input_tokens'] === 7
    },
    { what: 'the record' },
  )
})

test("a model of Google's gets the request as it is, by either method, and its answer comes as it is", async () => {
  const content = { parts: [{ text: 'a' }, { inlineData: { mimeType: 'image/png', data: 'aGk=' } }] }
  const body = { content, taskType: 'CLUSTERING', title: 'x', later: 1.5 }
  const one = await post('/v1beta/models/google%2Fgemini-embedding-001:embedContent', { ...body, model: 'models/x' })
  assert.deepEqual(one.json, { embedding: { values: [1, 2], shape: [2] }, usageMetadata: { promptTokenCount: 4 } })
  assert.equal(one.headers.get('x-ferro-translation'), 'exact')
  assert.deepEqual(google.asked.at(-1), {
    path: '/v1beta/models/gemini-embedding-001:embedContent',
    body: { ...body, model: 'models/gemini-embedding-001' },
  })
  const { embeddings } = await client.models.embedContent({
    model: 'google/gemini-embedding-001',
    contents: ['a', 'b'],
  })
  assert.deepEqual(
    embeddings?.map(({ values }) => values),
    [
      [3, 4],
      [3, 4],
    ],
  )
})

test('what another vendor cannot be told is named, or refused', async () => {
  const parts = [{ text: 'a' }]
  const told = await post('/v1beta/models/vendor%2Fm:embedContent', {
    content: { parts },
    taskType: 'CLUSTERING',
    title: 'x',
  })
  assert.deepEqual(told.json, { embedding: { values: [0.5, -0.25, 0.125] }, usageMetadata: { promptTokenCount: 7 } })
  assert.equal(told.headers.get('x-ferro-translation'), 'lossy; dropped=input_type,title')
  const picture = await post('/v1beta/models/vendor%2Fm:embedContent', {
    content: { parts: [{ inlineData: { mimeType: 'image/png', data: 'aGk=' } }] },
  })
  assert.deepEqual([picture.status, at(picture.json, 'error', 'status')], [400, 'INVALID_ARGUMENT'])
  const mixed = await post('/v1beta/models/vendor%2Fm:batchEmbedContents', {
    requests: [{ content: { parts } }, { content: { parts }, outputDimensionality: 5 }],
  })
  assert.equal(mixed.status, 400)
  assert.equal((await post('/v1beta/models/vendor%2Fm:batchEmbedContents', { requests: [] })).status, 400)
  assert.equal((await post('/v1beta/models/nobody:embedContent', { content: { parts } })).status, 404)
})

test('a target that fails gives way to one of another dialect, and errors are told in the words of the client', async () => {
  upstream.answering = (_seen, response) => {
    response.writeHead(429, { 'content-type': 'application/json' })
    response.end('{"error":{"message":"Too many.","type":"requests","code":"rate_limit_exceeded"}}')
    return true
  }
  try {
    const { embeddings } = await client.models.embedContent({ model: 'spare', contents: 'a' })
    assert.deepEqual(embeddings?.[0]?.values, [3, 4])
    const failed = client.models.embedContent({ model: 'vendor/m', contents: 'a' })
    await assert.rejects(failed, (error) => error instanceof ApiError && error.status === 429)
  } finally {
    upstream.answering = () => undefined
  }
})

test('a key needs the scope of embeddings for them, and no other', async () => {
  const failed = other.models.embedContent({ model: 'vendor/m', contents: 'a' })
  await assert.rejects(failed, (error) => error instanceof ApiError && error.status === 403)
})
