import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { keyPair } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { bedrockInvoke } from './vendors/bedrock-invoke.ts'
import { GREETING, THOUGHT, USED, WEATHER } from './vendors/script.ts'
import { VENDOR_KEY } from './vendors/vendor.ts'
import { VendorServer } from './vendors/vendor-server.ts'

/*
 * Claude on Bedrock before clients of Claude's own dialect: relayed, so that what Converse has no words for survives.
 */

const key = keyPair('bedrock')
let gateway: Gateway
let server: VendorServer

before(async () => {
  server = await VendorServer.start(bedrockInvoke)
  const bedrock = { kind: 'bedrock', api_key: VENDOR_KEY, base_url: server.url, direct: true, timeouts: { idle: '5s' } }
  gateway = await Gateway.start({
    config: {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 1,
      providers: { bedrock },
      keys: [{ id: key.id, hash: key.hash }],
    },
  })
})
after(async () => {
  await gateway.close()
  await server.close()
})

const client = () => new Anthropic({ apiKey: key.secret, baseURL: gateway.url, maxRetries: 0 })
const model = (script: string) => `bedrock/${bedrockInvoke.model}--${script}`
const ask = (script: string) => ({
  model: model(script),
  max_tokens: 2_000,
  messages: [{ role: 'user' as const, content: 'Hello' }],
})

test('an answer and a stream reach the official client as from the vendor itself', async () => {
  const thinking = { type: 'enabled' as const, budget_tokens: 1_024 }
  const { data, response } = await client()
    .messages.create({ ...ask('thought-call'), thinking })
    .withResponse()
  assert.equal(response.headers.get('x-ferro-translation'), 'exact')
  const streamed = client().messages.stream({ ...ask('thought-call'), thinking })
  const kinds: string[] = []
  streamed.on('streamEvent', ({ type }) => kinds.push(type))
  const message = await streamed.finalMessage()
  assert.deepEqual(message.content, data.content)
  const [thought, call] = message.content
  assert.ok(thought?.type === 'thinking' && call?.type === 'tool_use')
  assert.deepEqual([thought.thinking, thought.signature], [THOUGHT, bedrockInvoke.seal])
  assert.deepEqual(call.input, WEATHER.input)
  assert.deepEqual([kinds[0], kinds.at(-1)], ['message_start', 'message_stop'])
  assert.deepEqual([message.usage.input_tokens, message.usage.output_tokens], [USED.input, USED.output])
  assert.equal(
    server.requests.at(-1)?.path,
    `/model/${encodeURIComponent(`${bedrockInvoke.model}--thought-call`)}/invoke-with-response-stream`,
  )
  assert.deepEqual(server.refusals, [])
})

test('what only the dialect itself knows goes on as it came, betas in the body', async () => {
  const context_management = { edits: [{ type: 'clear_tool_uses_20250919' as const }] }
  const betas = ['context-management-2025-06-27', 'interleaved-thinking-2025-05-14', 'unknown-2099-01-01']
  const request = client().beta.messages.create({ ...ask('text'), context_management, betas })
  const { data, response } = await request.withResponse()
  assert.equal(data.content[0]?.type === 'text' ? data.content[0].text : '', GREETING)
  assert.deepEqual(server.newest['context_management'], context_management)
  assert.deepEqual(server.newest['anthropic_beta'], betas.slice(0, 2))
  // One that the cloud would refuse stays here, and is named.
  assert.equal(response.headers.get('x-ferro-translation'), 'lossy; dropped=anthropic-beta')
  assert.deepEqual(server.refusals, [])
})

test('usage of a stream is charged, whichever way it came', async () => {
  const { response } = await client()
    .messages.create({ ...ask('text'), stream: true })
    .withResponse()
  const id = response.headers.get('x-ferro-request-id')
  await response.text().catch(() => '')
  const record = await eventually(
    () => {
      using database = gateway.db()
      return database.prepare('SELECT input_tokens, output_tokens, usage_source FROM requests WHERE id = ?').get(id)
    },
    { what: 'the record' },
  )
  assert.deepEqual({ ...record }, { input_tokens: USED.input, output_tokens: USED.output, usage_source: 'reported' })
})

test('a refusal, an exception within a stream and a stream that is cut are errors of the dialect', async () => {
  const pieces = [...bedrockInvoke.stream({ text: GREETING, stop: 'end' })]
  const type = bedrockInvoke.streamType
  server.own.set('excepted', { type, pieces: [...pieces.slice(0, 4), bedrockInvoke.streamError ?? ''] })
  server.own.set('cut', { type, pieces: pieces.slice(0, 4) })
  const read = async (script: string) => {
    const answer = await fetch(`${gateway.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': key.secret, 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({ ...ask(script), stream: true }),
    })
    return await answer.text()
  }
  const excepted = await read('excepted')
  assert.match(excepted, /event: error\ndata: .*rate_limit_error.*Too many tokens/)
  const cut = await read('cut')
  assert.match(cut, /event: error\n/)
  for (const text of [excepted, cut]) assert.doesNotMatch(text, /message_stop|invocationMetrics/)
  await assert.rejects(client().messages.create({ ...ask('text'), max_tokens: 10, top_k: -1 }), (error) => {
    assert.ok(error instanceof Anthropic.APIError)
    assert.equal(error.status, 400)
    return true
  })
  server.refusals.splice(0)
})

test("clients of other dialects, and thoughts that are not the vendor's, go by Converse", async () => {
  const history = [
    { role: 'user' as const, content: 'Hello' },
    {
      role: 'assistant' as const,
      content: [
        { type: 'thinking', thinking: 'x', signature: '' },
        { type: 'text', text: 'Hi' },
      ],
    },
    { role: 'user' as const, content: 'Go on' },
  ]
  const paths: string[] = []
  for (const [path, body] of [
    ['/v1/chat/completions', { model: model('text'), messages: history.slice(0, 1) }],
    ['/v1/messages', { ...ask('text'), messages: history }],
  ] as const) {
    await fetch(`${gateway.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key.secret}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    paths.push(server.requests.at(-1)?.path.split('/').at(-1) ?? '')
  }
  assert.deepEqual(paths, ['converse', 'converse'])
})
