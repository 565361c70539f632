import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import OpenAI, { toFile } from 'openai'
import { keyPair } from '../harness/config.ts'
import { Gateway } from '../harness/gateway.ts'
import { at, type JsonObject } from '../harness/json.ts'
import { OperationsUpstream } from '../mocks/openai-operations/upstream.ts'

const OPENAI_KEY = 'edits-openai-key-Tq6mWc2Zp8'

/** The vendor's endpoint: it takes JSON and no form. */
class Xai {
  readonly asked: unknown[] = []
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response))

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1` // a TCP server that listens
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer) // a request without an encoding gives buffers
    const isJson = request.headers['content-type'] === 'application/json' && request.url === '/v1/images/edits'
    response.writeHead(isJson ? 200 : 415, { 'content-type': 'application/json' })
    if (isJson) this.asked.push(JSON.parse(Buffer.concat(chunks).toString()))
    response.end(isJson ? '{"created":1,"data":[{"b64_json":"aGk="}]}' : '{"error":"Expected request with JSON"}')
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

const xai = new Xai()
let upstream: OperationsUpstream
let gateway: Gateway
let client: OpenAI

before(async () => {
  const url = await xai.start()
  upstream = await OperationsUpstream.start(OPENAI_KEY)
  const key = keyPair('edits')
  const own = { provider: 'own', model: 'gpt-image-1' }
  const grok = { provider: 'xai', model: 'grok-imagine-image' }
  gateway = await Gateway.start({
    config: {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 1,
      limits: { body: '4MiB' },
      providers: {
        own: { kind: 'openai', api_key: OPENAI_KEY, base_url: upstream.url },
        xai: { kind: 'xai', api_key: 'x', base_url: url, direct: true },
        dead: { kind: 'openai', api_key: 'x', base_url: 'http://127.0.0.1:1/v1' },
      },
      models: {
        'grok-first': { targets: [grok, own] },
        'grok-last': { targets: [{ provider: 'dead', model: 'x' }, grok] },
      },
      keys: [{ id: key.id, hash: key.hash }],
    },
  })
  client = new OpenAI({ apiKey: key.secret, baseURL: `${gateway.url}/v1`, maxRetries: 0 })
})

after(async () => {
  await gateway?.close()
  await upstream?.close()
  xai.close()
})

const PNG = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(300_000, 7)])
const picture = (bytes: Buffer) => toFile(bytes, 'a.bin', { type: 'application/octet-stream' })
const JPEG = Buffer.concat([Buffer.from('ffd8ff', 'hex'), Buffer.from('\r\n--not-a-boundary\r\n')])

const asUrl = (type: string, bytes: Buffer) => ({
  type: 'image_url',
  url: `data:${type};base64,${bytes.toString('base64')}`,
})

test('a form becomes JSON with the pictures in it, and what the vendor does not know is named', async () => {
  const image = await picture(PNG)
  const { data, response } = await client.images
    .edit({ model: 'xai/grok-imagine-image', prompt: 'Ä dog', image, n: 2, size: '1024x1024' })
    .withResponse()
  assert.equal(data.data?.[0]?.b64_json, 'aGk=')
  assert.deepEqual(xai.asked.at(-1), {
    model: 'grok-imagine-image',
    prompt: 'Ä dog',
    n: 2,
    image: asUrl('image/png', PNG),
  })
  assert.equal(response.headers.get('x-ferro-translation'), 'lossy; dropped=size')
})

test('several pictures go together', async () => {
  const image = [await picture(PNG), await picture(JPEG)]
  await client.images.edit({ model: 'xai/grok-imagine-image', prompt: 'p', image })
  const body = xai.asked.at(-1) as JsonObject // the server keeps parsed bodies
  assert.deepEqual(body['images'], [asUrl('image/png', PNG), asUrl('image/jpeg', JPEG)])
})

test('before or behind a target that takes the form, whatever its size', async () => {
  const large = Buffer.concat([PNG, Buffer.alloc(2_000_000, 1)])
  const last = await client.images.edit({ model: 'grok-last', prompt: 'p', image: await picture(large) }).withResponse()
  assert.equal(last.response.headers.get('x-ferro-model'), 'xai/grok-imagine-image')
  assert.equal(at(xai.asked.at(-1), 'image', 'url'), asUrl('image/png', large).url)
  // It takes no mask: the next one does.
  const masked = { prompt: 'p', image: await picture(large), mask: await picture(PNG) }
  const first = await client.images.edit({ model: 'grok-first', ...masked }).withResponse()
  assert.equal(first.response.headers.get('x-ferro-model'), 'own/gpt-image-1')
  const file = upstream.last.form?.get('image')
  assert.ok(file instanceof File && Buffer.from(await file.arrayBuffer()).equals(large))
  const refused = client.images.edit({ model: 'xai/grok-imagine-image', ...masked })
  await assert.rejects(refused, (error) => error instanceof OpenAI.BadRequestError && error.param === 'mask')
})
