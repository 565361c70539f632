import { EventStreamCodec } from '@smithy/eventstream-codec'
import type { DialectName } from '../../src/ai/dialects/name.ts'
import { textAnswer as messagesText } from '../mocks/anthropic-messages/answers.ts'
import { checkBody as checkMessages } from '../mocks/anthropic-messages/check-request.ts'
import { textAnswer as converseText } from '../mocks/bedrock-converse/answers.ts'
import { checkBody as checkConverse } from '../mocks/bedrock-converse/check-request.ts'
import { ANSWERS as COHERE } from '../mocks/cohere/answers.ts'
import { checkRequest as checkCohere } from '../mocks/cohere/check-request.ts'
import { eventStream, ANSWERS as GEMINI } from '../mocks/gemini/answers.ts'
import { REQUEST_SHAPE as GEMINI_SHAPE } from '../mocks/gemini/request-shape.ts'
import { lines, ANSWERS as OLLAMA } from '../mocks/ollama/answers.ts'
import { checkRequest as checkOllama } from '../mocks/ollama/check-request.ts'
import { chatAnswer, chatStream, sseOf } from '../mocks/openai-chat/answers.ts'
import { checkChatBody } from '../mocks/openai-chat/check-request.ts'
import { completionAnswer, completionStream } from '../mocks/openai-completions/answers.ts'
import { checkCompletionBody } from '../mocks/openai-completions/check-request.ts'
import { responsesAnswer, responsesStream, sseText } from '../mocks/openai-responses/answers.ts'
import { checkResponsesBody } from '../mocks/openai-responses/check-request.ts'

/** How one dialect is spoken over the wire: what a request must be, and what is answered. */
export interface Wire {
  /** What is wrong with a body, or null. */
  readonly check: (body: Readonly<Record<string, unknown>>) => unknown
  readonly whole: unknown
  readonly stream: string | Buffer
  readonly streamType: string
  /** How a client asks in this dialect: path and body; null: no client speaks it. */
  readonly ask: ((model: string, stream: boolean) => { readonly path: string; readonly body: object }) | null
}

const SSE = 'text/event-stream; charset=utf-8'
const messages = [{ role: 'user', content: 'Hello!' }]

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
  (text) => Buffer.from(text),
)

function frame(name: string, data: object): Buffer {
  const typed = (value: string) => ({ type: 'string', value }) as const
  const headers = { ':message-type': typed('event'), ':event-type': typed(name) }
  return Buffer.from(codec.encode({ headers, body: Buffer.from(JSON.stringify(data)) }))
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the mock has no such answer')
  return value
}

const request = (path: string, body: unknown) => ({
  method: 'POST',
  path,
  headers: { authorization: 'Bearer k' },
  body,
})
const named = (data: Readonly<Record<string, unknown>>) =>
  `event: ${String(data['type'])}\ndata: ${JSON.stringify(data)}\n\n`

function isPrediction(body: Readonly<Record<string, unknown>>): boolean {
  const { version, input, stream, ...others } = body
  const isFlag = stream === undefined || stream === true
  return (
    typeof version === 'string' &&
    typeof Object(input).prompt === 'string' &&
    isFlag &&
    Object.keys(others).length === 0
  )
}

export const WIRES: Readonly<Record<DialectName, Wire>> = {
  'openai-chat': {
    check: (body) => checkChatBody(body),
    whole: chatAnswer('text'),
    stream: sseOf(chatStream('text')),
    streamType: SSE,
    ask: (model, stream) => ({ path: '/v1/chat/completions', body: { model, messages, stream } }),
  },
  'openai-completions': {
    check: (body) => checkCompletionBody(body),
    whole: completionAnswer('text'),
    stream: sseOf(completionStream('text')),
    streamType: SSE,
    ask: (model, stream) => ({ path: '/v1/completions', body: { model, prompt: 'Hello!', stream } }),
  },
  'openai-responses': {
    check: (body) => checkResponsesBody(body),
    whole: responsesAnswer('text'),
    stream: sseText(responsesStream('text')),
    streamType: SSE,
    ask: (model, stream) => ({ path: '/v1/responses', body: { model, input: 'Hello!', stream } }),
  },
  'anthropic-messages': {
    check: (body) => checkMessages(body),
    whole: messagesText.body,
    stream: messagesText.events.map(named).join(''),
    streamType: SSE,
    ask: (model, stream) => ({ path: '/v1/messages', body: { model, max_tokens: 64, messages, stream } }),
  },
  gemini: {
    check: (body) => GEMINI_SHAPE(body, ''),
    whole: required(GEMINI['text']).whole,
    stream: eventStream(required(GEMINI['text']).chunks),
    streamType: SSE,
    ask: (model, stream) => ({
      path: `/v1beta/models/${encodeURIComponent(model)}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
      body: { contents: [{ role: 'user', parts: [{ text: 'Hello!' }] }] },
    }),
  },
  'bedrock-converse': {
    check: (body) => checkConverse(body),
    whole: converseText.body,
    stream: Buffer.concat(converseText.events.map(({ name, data }) => frame(name, data))),
    streamType: 'application/vnd.amazon.eventstream',
    ask: null,
  },
  cohere: {
    check: (body) => checkCohere(request('/v2/chat', body), 'k'),
    whole: required(COHERE['text']).whole,
    stream: required(COHERE['text']).events.map(named).join(''),
    streamType: SSE,
    ask: null,
  },
  replicate: {
    check: (body) => (isPrediction(body) ? null : 'no prediction'),
    whole: {
      id: 'p1',
      status: 'succeeded',
      output: ['Hel', 'lo'],
      metrics: { input_token_count: 3, output_token_count: 2 },
    },
    // The prediction whose stream is there is not of this table: see replicate.test.ts.
    stream: JSON.stringify({ id: 'p1', status: 'succeeded', output: ['Hel', 'lo'] }),
    streamType: 'application/json',
    ask: null,
  },
  ollama: {
    check: (body) => checkOllama(request('/api/chat', body)),
    whole: required(OLLAMA['text']).whole,
    stream: lines(required(OLLAMA['text']).lines),
    streamType: 'application/x-ndjson',
    ask: null,
  },
}

/** A stream of Claude's own dialect as Bedrock sends it. */
export const FRAMED = {
  type: 'application/vnd.amazon.eventstream',
  body: Buffer.concat(
    messagesText.events.map((event) => {
      return frame('chunk', { bytes: Buffer.from(JSON.stringify(event)).toString('base64') })
    }),
  ),
}
