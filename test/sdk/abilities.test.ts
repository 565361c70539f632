import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import OpenAI from 'openai'
import { keyPair } from '../harness/config.ts'
import { Gateway } from '../harness/gateway.ts'
import { at, isObject, type JsonObject, parseJson } from '../harness/json.ts'

const PROVIDER_KEY = 'abilities-provider-key-Qm4tWz8Vn1'

/** A server of chat completions that answers what is asked for in the form in which it is asked for. */
class Upstream {
  readonly asked: { readonly body: JsonObject; readonly text: string }[] = []
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response))

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1` // a TCP server that listens
  }

  get last(): { readonly body: JsonObject; readonly text: string } {
    const last = this.asked.at(-1)
    assert.ok(last !== undefined, 'nothing was asked')
    return last
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer) // a request without an encoding gives buffers
    const text = Buffer.concat(chunks).toString()
    const body = parseJson(text)
    assert.ok(isObject(body))
    this.asked.push({ body, text })
    const tool = at(body, 'tools', 0, 'function', 'name')
    const call = { id: 'call_1', type: 'function', function: { name: tool, arguments: '{"n":7}' } }
    const says = {
      role: 'assistant',
      ...(tool === '__structured_output__' ? { tool_calls: [call] } : { content: '{"n":7}' }),
    }
    const stop = 'tool_calls' in says ? 'tool_calls' : 'stop'
    const head = { id: 'chatcmpl-1', created: 1_790_000_000, model: 'm' }
    const usage = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 }
    if (body['stream'] !== true) {
      response.writeHead(200, { 'content-type': 'application/json' })
      const choices = [{ index: 0, message: says, finish_reason: stop }]
      response.end(JSON.stringify({ ...head, object: 'chat.completion', choices, usage }))
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const delta = 'tool_calls' in says ? { role: 'assistant', tool_calls: [{ index: 0, ...call }] } : says
    const events = [
      { choices: [{ index: 0, delta, finish_reason: null }] },
      { choices: [{ index: 0, delta: {}, finish_reason: stop }] },
      { choices: [], usage },
    ].map((event) => JSON.stringify({ ...head, object: 'chat.completion.chunk', ...event }))
    response.end([...events, '[DONE]'].map((data) => `data: ${data}\n\n`).join(''))
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

const upstream = new Upstream()
let gateway: Gateway
let client: OpenAI

before(async () => {
  const url = await upstream.start()
  const key = keyPair('abilities')
  const model = (capabilities: JsonObject, more: JsonObject = {}) => ({
    targets: [{ provider: 'own', model: 'm', capabilities }],
    ...more,
  })
  gateway = await Gateway.start({
    config: {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 1,
      providers: {
        own: { kind: 'openai-compatible', api_key: PROVIDER_KEY, base_url: url },
        groq: { kind: 'groq', api_key: PROVIDER_KEY, base_url: url, direct: true },
        deepseek: { kind: 'deepseek', api_key: PROVIDER_KEY, base_url: url, direct: true },
      },
      models: {
        blind: model({ vision: false, tools: false, reasoning: 'none' }),
        strict: model({ vision: false, tools: false, reasoning: 'none' }, { on_unsupported: 'reject' }),
        tooled: model({ structured_output: 'tool' }),
        formless: model({ structured_output: 'none' }),
      },
      keys: [{ id: key.id, hash: key.hash }],
    },
  })
  client = new OpenAI({ apiKey: key.secret, baseURL: `${gateway.url}/v1`, maxRetries: 0 })
})

after(async () => {
  await gateway?.close()
  upstream.close()
})

type Asked = Partial<OpenAI.ChatCompletionCreateParamsNonStreaming>

async function ask(model: string, more: Asked = {}): Promise<readonly [content: string | null, report: string | null]> {
  const messages: Asked['messages'] = [{ role: 'user', content: 'q' }]
  const { data, response } = await client.chat.completions.create({ model, messages, ...more }).withResponse()
  return [data.choices[0]?.message.content ?? null, response.headers.get('x-ferro-translation')]
}

async function refusal(
  model: string,
  more: Asked,
): Promise<readonly [status: number, param: string | null | undefined]> {
  const error: unknown = await ask(model, more).then(
    () => null,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof OpenAI.APIError, String(error))
  return [Number(error.status), error.param]
}

const PICTURE: Asked = {
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What is it?' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } },
      ],
    },
  ],
}
const TOOLS: Asked = { tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }] }
const SCHEMA: Asked = {
  response_format: {
    type: 'json_schema',
    json_schema: {
      name: 'answer',
      schema: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'], additionalProperties: false },
    },
  },
}
const ANY_JSON: Asked = { response_format: { type: 'json_object' } }

test('a relayed picture is left out where the model is known not to see, by the configuration or the catalogue', async () => {
  for (const model of ['blind', 'groq/llama-3.3-70b-versatile']) {
    const [content, report] = await ask(model, PICTURE)
    assert.deepEqual([content, report], ['{"n":7}', 'lossy; dropped=messages[].image'], model)
    assert.ok(!upstream.last.text.includes('aGk='), upstream.last.text)
    assert.ok(upstream.last.text.includes('What is it?'), upstream.last.text)
  }
})

test('relayed tools are left out where the model is known to have none, and thoughts are not asked for', async () => {
  assert.equal((await ask('blind', TOOLS))[1], 'lossy; dropped=tools')
  assert.equal(upstream.last.body['tools'], undefined)
  assert.equal((await ask('blind', { reasoning_effort: 'high' }))[1], 'lossy; dropped=reasoning_effort')
  assert.equal(upstream.last.body['reasoning_effort'], undefined)
})

test('all of it is refused where the model is to be asked for nothing that it does not take', async () => {
  assert.deepEqual(await refusal('strict', PICTURE), [400, 'messages[].image'])
  assert.deepEqual(await refusal('strict', TOOLS), [400, 'tools'])
  assert.deepEqual(await refusal('strict', { reasoning_effort: 'high' }), [400, 'reasoning_effort'])
})

test('what asks for nothing of that is relayed byte for byte', async () => {
  for (const model of ['blind', 'strict', 'tooled', 'formless', 'deepseek/deepseek-chat']) {
    const body = { messages: [{ role: 'user', content: 'q' }], unknown_member: [1.5], tools: [] }
    await client.post('/chat/completions', { body: { model, ...body } })
    assert.deepEqual({ ...upstream.last.body, model }, { model, ...body })
  }
})

test('relayed structured output comes by a tool where the model has no better way, whole and streamed', async () => {
  for (const form of [SCHEMA, ANY_JSON]) {
    assert.deepEqual(await ask('tooled', form), ['{"n":7}', 'adapted; adapted=response_format'])
    assert.equal(upstream.last.body['response_format'], undefined)
    assert.equal(at(upstream.last.body, 'tool_choice', 'function', 'name'), '__structured_output__')
  }
  const stream = await client.chat.completions.create({
    model: 'tooled',
    messages: [{ role: 'user', content: 'q' }],
    ...SCHEMA,
    stream: true,
  })
  let text = ''
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
  assert.equal(text, '{"n":7}')
})

test('it is refused where the model has none', async () => {
  assert.deepEqual(await refusal('formless', SCHEMA), [400, 'response_format'])
  assert.deepEqual(await refusal('formless', ANY_JSON), [400, 'response_format'])
})

test('a vendor that knows no schema is asked for JSON and told the schema, and JSON alone is relayed', async () => {
  assert.deepEqual(await ask('deepseek/deepseek-chat', SCHEMA), ['{"n":7}', 'adapted; adapted=response_format'])
  assert.deepEqual(upstream.last.body['response_format'], { type: 'json_object' })
  assert.match(String(at(upstream.last.body, 'messages', 0, 'content')), /JSON Schema:.*"required":\["n"\]/s)
  assert.equal((await ask('deepseek/deepseek-chat', ANY_JSON))[1], 'exact')
  assert.deepEqual(upstream.last.body['response_format'], { type: 'json_object' })
})
