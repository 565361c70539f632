import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { serve } from '../request-path/served.ts'
import { startHttp } from '../request-path/upstream.ts'

/*
 * What an upstream refuses, and how much it still gives, in the words that clients of each dialect act on: a long prompt is
 * shortened, an unknown model is left, an overloaded one is asked again.
 */

interface Upstream {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: object
}

const SPEECH = [{ role: 'user', content: 'Hello' }]
const CLIENTS = {
  chat: ['/v1/chat/completions', { messages: SPEECH }],
  responses: ['/v1/responses', { input: 'Hello' }],
  messages: ['/v1/messages', { max_tokens: 9, messages: SPEECH }],
} as const

/** A gateway before an upstream of either kind that always answers so. */
async function house(t: TestContext, said: Upstream) {
  const upstream = await startHttp(t, (req: IncomingMessage, res: ServerResponse) => {
    req.resume().on('end', () => {
      res.writeHead(said.status, { 'content-type': 'application/json', ...said.headers })
      res.end(JSON.stringify(said.body))
    })
  })
  const base = { api_key: 'secret-1234', base_url: `${upstream.origin}/v1` }
  const target = (provider: string) => ({ targets: [{ provider, model: 'some-model' }] })
  const served = await serve(t, {
    providers: { claude: { kind: 'anthropic', ...base }, plain: { kind: 'openai-compatible', ...base } },
    models: { claude: target('claude'), plain: target('plain') },
  })
  const post = async (path: string, body: object) => {
    const answer = await fetch(served.edge.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const { error } = Object(await answer.json())
    return { status: answer.status, headers: answer.headers, error }
  }
  return async (client: keyof typeof CLIENTS | 'gemini', model: 'claude' | 'plain') => {
    if (client === 'gemini') {
      return await post(`/v1beta/models/${model}:generateContent`, { contents: [{ parts: [{ text: 'Hello' }] }] })
    }
    const [path, body] = CLIENTS[client]
    return await post(path, { ...body, model })
  }
}

const anthropicError = (type: string, message: string) => ({ type: 'error', error: { type, message } })
const openaiError = (code: string, message: string) => ({
  error: { message, type: 'invalid_request_error', param: null, code },
})

test('a prompt that is too long is told by the code, or the words, by which the client shortens it', async (t) => {
  const words = 'prompt is too long: 200001 tokens > 200000 maximum'
  const claude = await house(t, { status: 400, body: anthropicError('invalid_request_error', words) })
  for (const client of ['chat', 'responses'] as const) {
    const { status, error } = await claude(client, 'claude')
    assert.deepEqual([status, error.code, error.type], [400, 'context_length_exceeded', 'invalid_request_error'])
    assert.equal(error.message, words)
  }
  const own = await claude('messages', 'claude')
  assert.deepEqual([own.status, own.error], [400, { type: 'invalid_request_error', message: words }])

  const said = "This model's maximum context length is 8192 tokens."
  const plain = await house(t, { status: 413, body: openaiError('context_length_exceeded', said) })
  const { status, error } = await plain('messages', 'plain')
  assert.deepEqual([status, error.type], [400, 'invalid_request_error'])
  assert.equal(error.message, `prompt is too long: ${said}`)
  const google = await plain('gemini', 'plain')
  assert.deepEqual([google.status, google.error.status], [400, 'INVALID_ARGUMENT'])
})

test('a model that is not there, and a filter that struck, are told as such', async (t) => {
  const gone = await house(t, { status: 404, body: anthropicError('not_found_error', 'model: some-model') })
  const unknown = await gone('chat', 'claude')
  assert.deepEqual([unknown.status, unknown.error.code], [404, 'model_not_found'])
  assert.equal(unknown.error.message, 'model: some-model')
  const filtered = await house(t, {
    status: 400,
    body: {
      error: {
        message: "The response was filtered due to the prompt triggering Azure's content management policy.",
        type: null,
        param: 'prompt',
        code: 'content_filter',
        innererror: { code: 'ResponsibleAIPolicyViolation' },
      },
    },
  })
  const refused = await filtered('messages', 'plain')
  assert.deepEqual([refused.status, refused.error.type], [400, 'invalid_request_error'])
  assert.equal(refused.error.code, 'content_filter')
  assert.match(refused.error.message, /^The response was filtered/)
  const withdrawn = await house(t, { status: 400, body: openaiError('model_not_found', 'No such model.') })
  const { status, error } = await withdrawn('messages', 'plain')
  assert.deepEqual([status, error.type], [404, 'not_found_error'])
  const own = await withdrawn('chat', 'plain')
  assert.deepEqual([own.status, own.error.code], [400, 'model_not_found'], 'what is relayed keeps its status')
})

test('an overloaded upstream has the status that each dialect has for it', async (t) => {
  const overloaded = await house(t, { status: 529, body: anthropicError('overloaded_error', 'Overloaded') })
  const own = await overloaded('messages', 'claude')
  assert.deepEqual([own.status, own.error.type, own.error.message], [529, 'overloaded_error', 'Overloaded'])
  const chat = await overloaded('chat', 'claude')
  assert.deepEqual([chat.status, chat.error.code, chat.error.message], [503, 'upstream_overloaded', 'Overloaded'])
  const google = await overloaded('gemini', 'claude')
  assert.deepEqual([google.status, google.error.status], [503, 'UNAVAILABLE'])
})

test('limits and waits of an upstream arrive under the names that the client reads', async (t) => {
  const limited = await house(t, {
    status: 429,
    headers: {
      'retry-after-ms': '6500',
      'retry-after': '7',
      'anthropic-ratelimit-requests-remaining': '3',
      'anthropic-ratelimit-requests-reset': '2020-01-01T00:00:00Z',
    },
    body: anthropicError('rate_limit_error', 'slow'),
  })
  const chat = await limited('chat', 'claude')
  assert.deepEqual([chat.status, chat.error.message], [429, 'slow'])
  assert.equal(chat.headers.get('x-ratelimit-remaining-requests'), '3')
  assert.equal(chat.headers.get('x-ratelimit-reset-requests'), '0s')
  assert.equal(chat.headers.get('anthropic-ratelimit-requests-remaining'), null)
  assert.deepEqual([chat.headers.get('retry-after'), chat.headers.get('retry-after-ms')], ['7', '6500'])
})

test('an answer that was translated tells how much is left, too', async (t) => {
  const answered = await house(t, {
    status: 200,
    headers: { 'x-ratelimit-limit-requests': '60', 'x-ratelimit-reset-requests': '1s' },
    body: {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1,
      model: 'some-model',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
    },
  })
  const { headers } = await answered('messages', 'plain')
  assert.equal(headers.get('anthropic-ratelimit-requests-limit'), '60')
  assert.match(headers.get('anthropic-ratelimit-requests-reset') ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  assert.equal(headers.get('x-ratelimit-limit-requests'), null)
})
