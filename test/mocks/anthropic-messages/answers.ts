/*
 * Whole answers and streams as Anthropic's Messages API gives them, written from its public documentation ("Messages",
 * "Streaming messages", "Errors") and never by our own encoders.
 */
import type { Members } from '../shape.ts'

export interface MockAnswer {
  readonly body: Members
  /** The same answer as data of server-sent events; the event's name is the `type` in it. */
  readonly events: readonly Members[]
}

interface Shown {
  readonly content: readonly Members[]
  readonly stop?: string
  readonly sequence?: string
  readonly details?: Members
  readonly usage?: Members
}

const MODEL = 'claude-sonnet-5'
const ID = 'msg_013Zva2CMHLNnXjNJJKqJ2EF'

/** An answer of these blocks; each text is cut into two deltas. */
export function answerOf({ content, stop = 'end_turn', sequence, details, usage = USAGE }: Shown): MockAnswer {
  const body = {
    id: ID,
    type: 'message',
    role: 'assistant',
    model: MODEL,
    content,
    stop_reason: stop,
    stop_sequence: sequence ?? null,
    ...(details === undefined ? {} : { stop_details: details }),
    usage,
  }
  const { output_tokens: output, output_tokens_details: thought, server_tool_use: served, ...input } = usage
  const late = { output_tokens: output, ...(thought === undefined ? {} : { output_tokens_details: thought }) }
  const start = { ...body, content: [], stop_reason: null, stop_sequence: null, usage: { ...input, output_tokens: 1 } }
  const delta = {
    stop_reason: stop,
    stop_sequence: sequence ?? null,
    ...(details === undefined ? {} : { stop_details: details }),
  }
  const events: Members[] = [
    { type: 'message_start', message: without(start, 'stop_details') },
    { type: 'ping' },
    ...content.flatMap(blockEvents),
    { type: 'message_delta', delta, usage: served === undefined ? late : { ...late, server_tool_use: served } },
    { type: 'message_stop' },
  ]
  return { body, events }
}

function without(value: Members, name: string): Members {
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== name))
}

const USAGE: Members = {
  input_tokens: 25,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  output_tokens: 15,
  service_tier: 'standard',
}

function blockEvents(block: Members, index: number): Members[] {
  const { opening, deltas } = cut(block)
  return [
    { type: 'content_block_start', index, content_block: opening },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ]
}

interface Cut {
  readonly opening: Members
  readonly deltas: readonly Members[]
}

function cut(block: Members): Cut {
  switch (block['type']) {
    case 'text': {
      const citations = Array.isArray(block['citations']) ? block['citations'] : []
      const cited = citations.map((citation) => ({ type: 'citations_delta', citation }))
      const texts = halves(String(block['text'])).map((text) => ({ type: 'text_delta', text }))
      return { opening: { type: 'text', text: '' }, deltas: [...texts, ...cited] }
    }
    case 'thinking': {
      const thoughts = halves(String(block['thinking'])).map((thinking) => ({ type: 'thinking_delta', thinking }))
      const signature = { type: 'signature_delta', signature: block['signature'] }
      return { opening: { ...block, thinking: '', signature: '' }, deltas: [...thoughts, signature] }
    }
    case 'tool_use':
    case 'server_tool_use': {
      const json = JSON.stringify(block['input'])
      const parts = json === '{}' ? [''] : ['', ...halves(json)]
      const deltas = parts.map((partial) => ({ type: 'input_json_delta', partial_json: partial }))
      return { opening: { ...block, input: {} }, deltas }
    }
    default:
      return { opening: block, deltas: [] }
  }
}

function halves(text: string): string[] {
  const middle = Math.ceil(text.length / 2)
  return [text.slice(0, middle), text.slice(middle)].filter((part) => part !== '')
}

function call(id: string, name: string, input: Members): Members {
  return { type: 'tool_use', id, name, input }
}

const SEAL = 'EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds'

export const textAnswer = answerOf({ content: [{ type: 'text', text: 'Hello! How can I help you today?' }] })
export const severalTexts = answerOf({
  content: [
    { type: 'text', text: 'First.' },
    { type: 'text', text: 'Second.' },
  ],
})
export const toolAnswer = answerOf({
  content: [
    { type: 'text', text: 'I will look.' },
    call('toolu_01A', 'get_weather', { location: 'Paris', unit: 'celsius' }),
  ],
  stop: 'tool_use',
})
export const toolFirst = answerOf({
  content: [call('toolu_01A', 'get_weather', { location: 'Paris' })],
  stop: 'tool_use',
})
export const parallelTools = answerOf({
  content: [
    call('toolu_01A', 'get_weather', { location: 'Paris' }),
    call('toolu_01B', 'get_time', { zone: 'Europe/Paris' }),
  ],
  stop: 'tool_use',
})
export const emptyArguments = answerOf({ content: [call('toolu_01A', 'now', {})], stop: 'tool_use' })
export const thinkingAnswer = answerOf({
  content: [
    { type: 'thinking', thinking: 'The user greets me.', signature: SEAL },
    { type: 'redacted_thinking', data: 'EmwKAhgBEgy3va3pzix' },
    { type: 'text', text: 'Hello!' },
  ],
  usage: { ...USAGE, output_tokens: 40, output_tokens_details: { thinking_tokens: 30 } },
})
export const interleavedThinking = answerOf({
  content: [
    { type: 'thinking', thinking: 'I need the weather.', signature: SEAL },
    call('toolu_01A', 'get_weather', { location: 'Paris' }),
    { type: 'thinking', thinking: 'And the time.', signature: `${SEAL}2` },
    call('toolu_01B', 'get_time', {}),
  ],
  stop: 'tool_use',
})
export const hiddenThinking = answerOf({
  content: [
    { type: 'thinking', thinking: '', signature: SEAL },
    { type: 'text', text: 'Hello!' },
  ],
})
export const citedAnswer = answerOf({
  content: [
    {
      type: 'text',
      text: 'The grass is green.',
      citations: [
        {
          type: 'char_location',
          cited_text: 'The grass is green.',
          document_index: 0,
          document_title: 'Example',
          start_char_index: 0,
          end_char_index: 20,
        },
      ],
    },
  ],
})
export const webSearch = answerOf({
  content: [
    { type: 'server_tool_use', id: 'srvtoolu_01', name: 'web_search', input: { query: 'weather in Paris' } },
    {
      type: 'web_search_tool_result',
      tool_use_id: 'srvtoolu_01',
      content: [
        {
          type: 'web_search_result',
          url: 'https://example.com/',
          title: 'Weather',
          encrypted_content: 'EqgfCioIARgBIiQ3Y',
        },
      ],
    },
    { type: 'text', text: 'It is sunny.' },
  ],
  usage: { ...USAGE, server_tool_use: { web_search_requests: 1 } },
})
export const refusalAnswer = answerOf({
  content: [],
  stop: 'refusal',
  details: { type: 'refusal', category: 'cyber', explanation: 'This request was declined.' },
})
export const lengthAnswer = answerOf({ content: [{ type: 'text', text: 'Once upon a' }], stop: 'max_tokens' })
export const stopSequenceAnswer = answerOf({
  content: [{ type: 'text', text: 'one, two, ' }],
  stop: 'stop_sequence',
  sequence: 'three',
})
export const pausedAnswer = answerOf({ content: [{ type: 'text', text: 'Working.' }], stop: 'pause_turn' })
export const cachedAnswer = answerOf({
  content: [{ type: 'text', text: 'Hello!' }],
  usage: {
    input_tokens: 21,
    cache_creation_input_tokens: 300,
    cache_read_input_tokens: 1800,
    cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 },
    output_tokens: 50,
    service_tier: 'priority',
  },
})

/** Every answer by its name, for tests that go through all. */
export const answers: Readonly<Record<string, MockAnswer>> = {
  textAnswer,
  severalTexts,
  toolAnswer,
  toolFirst,
  parallelTools,
  emptyArguments,
  thinkingAnswer,
  interleavedThinking,
  hiddenThinking,
  citedAnswer,
  webSearch,
  refusalAnswer,
  lengthAnswer,
  stopSequenceAnswer,
  pausedAnswer,
  cachedAnswer,
}

/** Error objects by status ("Errors"). */
export function errorAnswer(type: string, message: string): Members {
  return { type: 'error', error: { type, message }, request_id: 'req_011CSHoEeqs5C35K2UUqR7Fy' }
}

/** A stream that fails after its first text. */
export const failingStream: readonly Members[] = [
  ...textAnswer.events.slice(0, 4),
  { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
]

export const tokenCount: Members = { input_tokens: 2095 }

/** The text of a stream on the wire. */
export function sseText(events: readonly Members[]): string {
  return events.map((event) => `event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n`).join('')
}
