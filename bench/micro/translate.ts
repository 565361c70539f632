/**
 * `node bench/micro/translate.ts`: a chat of 1 KB from OpenAI's dialect to Anthropic's and its answer back, against a
 * relay's own work on the same body; and events of a stream, from text of one wire to text of the other.
 */

import { messagesClient, messagesUpstream } from '../../src/ai/dialects/anthropic-messages/index.ts'
import type { Capabilities } from '../../src/ai/dialects/dialect.ts'
import { openaiChatClient, openaiChatUpstream } from '../../src/ai/dialects/openai-chat/index.ts'
import { isObject, parseExact, writeJson } from '../../src/ai/ir/json.ts'
import { Losses } from '../../src/ai/ir/losses.ts'
import { UNKNOWN } from '../../src/ai/models/capabilities.ts'
import { EventRaiser, raiseAnswer } from '../../src/ai/translate/raise.ts'
import { type TranslationTarget, translateRequest } from '../../src/ai/translate/translation.ts'
import { wireReader } from '../../src/ai/translate/wire-readers.ts'
import { GatewayError } from '../../src/core/index.ts'
import { measure } from './measure.ts'

const text = 'The quick brown fox jumps over the lazy dog. '.repeat(9)
const chat = Buffer.from(
  JSON.stringify({
    model: 'm',
    messages: [
      { role: 'system', content: 'Be brief and precise.' },
      { role: 'user', content: text },
    ],
    temperature: 0.5,
    max_tokens: 200,
    tools: [
      {
        type: 'function',
        function: {
          name: 'get_weather',
          description: 'The weather of a city.',
          parameters: { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } } },
        },
      },
    ],
  }),
)
const messagesAnswer = Buffer.from(
  JSON.stringify({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude',
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 25, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 100 },
  }),
)
const capabilities: Capabilities = { ...UNKNOWN, family: 'anthropic' }
const target: TranslationTarget = {
  dialect: messagesUpstream,
  model: 'claude',
  habits: undefined,
  capabilities,
  onUnsupported: 'warn',
  onLoss: 'allow',
  patch: null,
}
const ids = { next: (prefix: string) => `${prefix}_1` }

function translated() {
  const translation = translateRequest(openaiChatClient, chat, { path: null }, target)
  if (translation instanceof GatewayError) throw translation
  return translation
}

function exchange(): Buffer {
  const { request, undo, losses } = translated()
  const body = parseExact(messagesAnswer.toString('utf8'))
  if (!isObject(body)) throw new Error('the answer is an object')
  const answer = messagesUpstream.decodeAnswer(body, { losses, ids })
  if (!('choices' in answer)) throw new Error('the answer is whole')
  const context = { id: 'x1', model: 'claude', createdAt: 1, request, losses }
  return Buffer.from(writeJson(openaiChatClient.encodeAnswer(raiseAnswer(answer, undo), context)))
}

const EVENTS = 200
const sse = (events: readonly object[], named: 'named' | 'plain') =>
  events.map((event) => {
    const name = named === 'named' && 'type' in event ? `event: ${String(event.type)}\n` : ''
    return Buffer.from(`${name}data: ${JSON.stringify(event)}\n\n`)
  })
const words = Array.from({ length: EVENTS }, (_, index) => ` word${index}`)
const claudeStream = sse(
  [
    {
      type: 'message_start',
      message: { id: 'm', type: 'message', role: 'assistant', model: 'c', content: [], usage: { input_tokens: 5 } },
    },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    ...words.map((word) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: word } })),
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 200 } },
    { type: 'message_stop' },
  ],
  'named',
)
const chunk = (delta: object, finish: string | null) => ({
  id: 'c',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'm',
  choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  usage: null,
})
const chatStream = [
  ...sse([...words.map((word) => chunk({ content: word }, null)), chunk({}, 'stop')], 'plain'),
  Buffer.from('data: [DONE]\n\n'),
]

const { request, undo } = translated()

function stream(from: typeof messagesUpstream, to: typeof openaiChatClient, chunks: readonly Buffer[]): number {
  const losses = new Losses()
  const reader = wireReader(from.framing)
  const decoder = from.streamDecoder({ losses, ids })
  const encoder = to.streamEncoder({ id: 'x1', model: 'm', createdAt: 1, request, losses })
  const raiser = new EventRaiser(undo)
  let bytes = 0
  for (const piece of chunks) {
    let out = ''
    reader.push(piece, (event) =>
      decoder.push(event, (raw) =>
        raiser.push(raw, (step) => {
          out += encoder.push(step)
        }),
      ),
    )
    if (out !== '') bytes += Buffer.from(out).length
  }
  return bytes
}

console.log(`a request of ${chat.length} bytes, an answer of ${messagesAnswer.length}; streams of ${EVENTS} events`)
measure('request, OpenAI to Anthropic', 2_000, translated)
const both = measure('request and answer back', 2_000, exchange)
const toChat = measure('stream, Anthropic to OpenAI, all events', 100, () =>
  stream(messagesUpstream, openaiChatClient, claudeStream),
)
const toClaude = measure('stream, OpenAI to Anthropic, all events', 100, () =>
  stream(openaiChatUpstream, messagesClient, chatStream),
)
console.log(`whole exchange ${both.toFixed(1)} µs (at most 150)`)
for (const [name, us] of [
  ['Anthropic to OpenAI', toChat],
  ['OpenAI to Anthropic', toClaude],
] as const) {
  console.log(`an event, ${name}: ${(us / EVENTS).toFixed(2)} µs (at most 25)`)
}
