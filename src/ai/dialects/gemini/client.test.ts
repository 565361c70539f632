import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { ApiError, GoogleGenAI, ThinkingLevel, Type } from '@google/genai'
import { GatewayError } from '../../../core/index.ts'
import type { ModelAnswer, StreamEvent } from '../../ir/answer.ts'
import { isObject, type JsonObject, writeJson } from '../../ir/json.ts'
import { Losses } from '../../ir/losses.ts'
import type { ModelRequest } from '../../ir/request.ts'
import type { AnswerContext } from '../dialect.ts'
import { encodeCountAnswer, geminiClient } from './index.ts'

/** What the server answers with, of another dialect than the client's. */
const ANSWER: ModelAnswer = {
  dialect: 'anthropic-messages',
  id: 'msg_1',
  model: 'served',
  choices: [
    {
      index: 0,
      parts: [
        { type: 'reasoning', text: 'Hm', signature: { family: 'anthropic', value: 'abc' } },
        { type: 'text', text: 'Grüße', citations: [{ url: 'https://a.example', title: 'A', start: 0, end: 5 }] },
        { type: 'tool-call', id: 'toolu_1', name: 'get_weather', arguments: '{"city":"Paris"}' },
      ],
      stop: { reason: 'tool-calls' },
    },
  ],
  usage: { input: 10, cacheRead: 5, output: 7, reasoning: 2 },
}

const EVENTS: readonly StreamEvent[] = [
  { type: 'start', id: 'msg_1', model: 'served' },
  { type: 'part-start', choice: 0, index: 0, part: { type: 'reasoning', text: '' } },
  { type: 'part-delta', choice: 0, index: 0, text: 'Hm' },
  { type: 'part-note', choice: 0, index: 0, signature: { family: 'anthropic', value: 'abc' } },
  { type: 'part-end', choice: 0, index: 0 },
  { type: 'part-start', choice: 0, index: 1, part: { type: 'text', text: '' } },
  { type: 'part-delta', choice: 0, index: 1, text: 'Grü' },
  { type: 'part-delta', choice: 0, index: 1, text: 'ße' },
  { type: 'part-end', choice: 0, index: 1 },
  {
    type: 'part-start',
    choice: 0,
    index: 2,
    part: { type: 'tool-call', id: 'toolu_1', name: 'get_weather', arguments: '' },
  },
  { type: 'part-delta', choice: 0, index: 2, text: '{"city":"Paris"}' },
  { type: 'part-end', choice: 0, index: 2 },
  { type: 'stop', choice: 0, stop: { reason: 'tool-calls' } },
  { type: 'usage', usage: { input: 10, cacheRead: 5, output: 7, reasoning: 2 } },
  { type: 'end' },
]

const PATH = /^\/v1(?:beta)?\/models\/([^:]+):(\w+)(\?alt=sse)?$/

describe("Gemini's official client, before our side of its dialect", () => {
  const requests: ModelRequest[] = []
  let server: Server
  let client: GoogleGenAI

  before(async () => {
    server = createServer((incoming, outgoing) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => {
        const [, model = '', method = '', sse] = PATH.exec(incoming.url ?? '') ?? []
        const body: unknown = JSON.parse(Buffer.concat(chunks).toString())
        assert.ok(isObject(body))
        const json = (status: number, value: JsonObject) => {
          outgoing.writeHead(status, { 'content-type': 'application/json' }).end(writeJson(value))
        }
        if (model === 'limited') {
          return json(429, geminiClient.encodeError(new GatewayError('rate_limit_exceeded', 'Too many.'), 'r1'))
        }
        if (method === 'countTokens') return json(200, encodeCountAnswer(31))
        const request = geminiClient.decodeRequest(body, { model, stream: sse !== undefined, losses: new Losses() })
        requests.push(request)
        const context: AnswerContext = { id: 'x1', model, createdAt: 0, request, losses: new Losses() }
        if (!request.stream) return json(200, geminiClient.encodeAnswer(ANSWER, context))
        const encoder = geminiClient.streamEncoder(context)
        outgoing.writeHead(200, { 'content-type': 'text/event-stream' })
        const broken = model === 'broken'
        for (const event of broken ? EVENTS.slice(0, 8) : EVENTS) outgoing.write(encoder.push(event) || Buffer.alloc(0))
        outgoing.end(broken ? encoder.fail(new GatewayError('upstream_truncated', 'It broke.'), 'r1') : '')
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    // A TCP server that listens has an AddressInfo.
    const { port } = server.address() as AddressInfo
    client = new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: `http://127.0.0.1:${port}` } })
  })

  after(async () => {
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  })

  const config = { thinkingConfig: { includeThoughts: true, thinkingLevel: ThinkingLevel.LOW } }

  test('reads a whole answer', async () => {
    const answer = await client.models.generateContent({ model: 'm', contents: 'Hello', config })
    assert.equal(answer.text, 'Grüße')
    assert.deepEqual(answer.functionCalls, [{ id: 'toolu_1', name: 'get_weather', args: { city: 'Paris' } }])
    assert.equal(answer.modelVersion, 'served')
    assert.equal(answer.candidates?.[0]?.finishReason, 'STOP')
    assert.equal(answer.candidates?.[0]?.groundingMetadata?.groundingChunks?.[0]?.web?.uri, 'https://a.example')
    assert.deepEqual(answer.usageMetadata, {
      promptTokenCount: 15,
      cachedContentTokenCount: 5,
      candidatesTokenCount: 7,
      thoughtsTokenCount: 2,
      totalTokenCount: 24,
    })
  })

  test('reads a stream', async () => {
    let text = ''
    let thoughts = ''
    let last: { finishReason: unknown; total: unknown } | undefined
    const calls: unknown[] = []
    for await (const chunk of await client.models.generateContentStream({ model: 'm', contents: 'Hello', config })) {
      text += chunk.candidates?.[0]?.content?.parts
        ?.map((part) => (part.thought === true ? '' : (part.text ?? '')))
        .join('')
      thoughts += chunk.candidates?.[0]?.content?.parts
        ?.map((part) => (part.thought === true ? part.text : ''))
        .join('')
      calls.push(...(chunk.functionCalls ?? []))
      last = { finishReason: chunk.candidates?.[0]?.finishReason, total: chunk.usageMetadata?.totalTokenCount }
    }
    assert.deepEqual([text, thoughts], ['Grüße', 'Hm'])
    assert.deepEqual(calls, [{ id: 'toolu_1', name: 'get_weather', args: { city: 'Paris' } }])
    assert.deepEqual(last, { finishReason: 'STOP', total: 24 })
  })

  test('sends tools, schemas, media and instructions that are understood', async () => {
    await client.models.generateContent({
      model: 'm',
      contents: [{ role: 'user', parts: [{ inlineData: { mimeType: 'image/png', data: 'aGk=' } }, { text: 'What?' }] }],
      config: {
        systemInstruction: 'Be brief',
        temperature: 0.5,
        responseMimeType: 'application/json',
        responseSchema: { type: Type.OBJECT, properties: { a: { type: Type.STRING, nullable: true } } },
        tools: [
          { functionDeclarations: [{ name: 'a', parametersJsonSchema: { type: 'object' } }] },
          { googleSearch: {} },
        ],
      },
    })
    const request = requests.at(-1)
    assert.deepEqual(
      request?.messages.map(({ role, parts }) => [role, parts.map(({ type }) => type)]),
      [
        ['system', ['text']],
        ['user', ['image', 'text']],
      ],
    )
    assert.deepEqual(request?.tools, [
      { type: 'function', name: 'a', parameters: { type: 'object' } },
      { type: 'builtin', kind: 'web-search', definition: { googleSearch: {} } },
    ])
    assert.deepEqual(request?.parameters.output, {
      type: 'json-schema',
      name: 'response_schema',
      schema: { type: 'object', properties: { a: { type: ['string', 'null'] } } },
    })
    assert.equal(request?.extra, undefined)
  })

  test('sends a chat back with its calls, results and seals', async () => {
    const chat = client.chats.create({ model: 'm', config })
    await chat.sendMessage({ message: 'Hello' })
    await chat.sendMessage({
      message: [{ functionResponse: { id: 'toolu_1', name: 'get_weather', response: { output: 'cold' } } }],
    })
    const messages = requests.at(-1)?.messages ?? []
    assert.deepEqual(messages[1]?.parts, [
      { type: 'reasoning', text: 'Hm', summary: true, signature: { family: 'anthropic', value: 'abc' } },
      { type: 'text', text: 'Grüße' },
      { type: 'tool-call', id: 'toolu_1', name: 'get_weather', arguments: '{"city":"Paris"}' },
    ])
    assert.deepEqual(messages[2]?.parts, [
      {
        type: 'tool-result',
        callId: 'toolu_1',
        name: 'get_weather',
        content: [{ type: 'text', text: 'cold' }],
        isError: false,
      },
    ])
  })

  test('counts tokens', async () => {
    assert.equal((await client.models.countTokens({ model: 'm', contents: 'Hello' })).totalTokens, 31)
  })

  test('raises an error with its status', async () => {
    await assert.rejects(
      client.models.generateContent({ model: 'limited', contents: 'Hello' }),
      (error) => error instanceof ApiError && error.status === 429 && error.message.includes('Too many.'),
    )
  })

  test('raises an error in the middle of a stream, after what came before', async () => {
    let text = ''
    await assert.rejects(async () => {
      for await (const chunk of await client.models.generateContentStream({ model: 'broken', contents: 'Hello' })) {
        text += chunk.text ?? ''
      }
    })
    assert.ok(text.startsWith('Grü'))
  })
})
