import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import OpenAI from 'openai'
import { keyPair } from '../harness/config.ts'
import { Gateway } from '../harness/gateway.ts'
import { Origin } from '../harness/origin.ts'

const VENDOR_KEY = 'translated-provider-key-Zt5wQe8K'
const key = keyPair('sdk')
let house: { readonly gateway: Gateway; readonly origin: Origin } | null = null

before(async () => {
  const origin = await Origin.start()
  const provider = { api_key: VENDOR_KEY, direct: true }
  const config = {
    listen: '127.0.0.1:0',
    control: { listen: '127.0.0.1:0' },
    workers: 1,
    providers: {
      gemini: { kind: 'gemini', base_url: `${origin.url}/v1beta`, ...provider },
      cohere: { kind: 'cohere', base_url: origin.url, ...provider },
      bedrock: { kind: 'bedrock', base_url: origin.url, ...provider },
    },
    keys: [{ id: key.id, hash: key.hash }],
  }
  house = { gateway: await Gateway.start({ config, readyDeadlineMs: 60_000 }), origin }
})
after(async () => {
  await house?.gateway.close()
  await house?.origin.close()
})

/** What the client gets when the vendor answers so at its path. */
async function embed(
  model: string,
  path: string,
  answer: object,
): Promise<{ vector: number[]; translation: string | null }> {
  assert.ok(house !== null)
  house.origin.on(path, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer))
  })
  const client = new OpenAI({ apiKey: key.secret, baseURL: `${house.gateway.url}/v1`, maxRetries: 0 })
  const { data, response } = await client.embeddings.create({ model, input: 'hello', user: 'u' }).withResponse()
  return { vector: Array.from(data.data[0]?.embedding ?? []), translation: response.headers.get('x-ferro-translation') }
}

test('the official client gets packed vectors of vendors with words of their own', async () => {
  const gemini = await embed('gemini/gemini-embedding-001', '/v1beta/models/gemini-embedding-001:batchEmbedContents', {
    embeddings: [{ values: [0.5, -1] }],
  })
  assert.deepEqual(gemini, { vector: [0.5, -1], translation: 'lossy; dropped=user' })
  assert.deepEqual(house?.origin.requests.at(-1)?.values('x-goog-api-key'), [VENDOR_KEY])
  const cohere = await embed('cohere/embed-v4.0', '/v2/embed', { embeddings: { float: [[2, 3]] } })
  assert.deepEqual(cohere.vector, [2, 3])
  const titan = await embed('bedrock/amazon.titan-embed-text-v2:0', '/model/amazon.titan-embed-text-v2%3A0/invoke', {
    embedding: [4],
    inputTextTokenCount: 1,
  })
  assert.deepEqual(titan.vector, [4])
})
