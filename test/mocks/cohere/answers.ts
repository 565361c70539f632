/*
 * Answers of /v2/chat as the vendor sends them, after its public reference (docs.cohere.com: "Chat", "Streaming", "Tool
 * use", "Reasoning", and the types of its official client), 2026. Independent of src.
 */
export type Json = Readonly<Record<string, unknown>>

const USAGE = { billed_units: { input_tokens: 5, output_tokens: 3 }, tokens: { input_tokens: 80, output_tokens: 7 } }

function answer(message: Json, finish: string = 'COMPLETE', usage: Json = USAGE): Json {
  return { id: 'co-1', finish_reason: finish, message: { role: 'assistant', ...message }, usage }
}

const START = {
  type: 'message-start',
  id: 'co-1',
  delta: { message: { role: 'assistant', content: [], tool_calls: [], tool_plan: '' } },
}
const end = (finish: string = 'COMPLETE', usage: Json = USAGE) => ({
  type: 'message-end',
  delta: { finish_reason: finish, usage },
})
const content = (type: string, index: number, member: Json): Json => ({
  type,
  index,
  ...(type !== 'content-end' && { delta: { message: { content: member } } }),
})
const text = (index: number, ...texts: readonly string[]): Json[] => [
  content('content-start', index, { type: 'text', text: '' }),
  ...texts.map((item) => content('content-delta', index, { text: item })),
  content('content-end', index, {}),
]
const call = (index: number, id: string, name: string, ...pieces: readonly string[]): Json[] => [
  {
    type: 'tool-call-start',
    index,
    delta: { message: { tool_calls: { id, type: 'function', function: { name, arguments: '' } } } },
  },
  ...pieces.map((item) => ({
    type: 'tool-call-delta',
    index,
    delta: { message: { tool_calls: { function: { arguments: item } } } },
  })),
  { type: 'tool-call-end', index },
]
const called = (id: string, name: string, args: string) => ({
  id,
  type: 'function',
  function: { name, arguments: args },
})
const CITATION = {
  start: 0,
  end: 5,
  text: 'Paris',
  sources: [{ type: 'document', id: 'doc:0', document: { id: 'doc:0', title: 'France', url: 'https://f.example' } }],
}
const CACHED = { ...USAGE, billed_units: { input_tokens: 100, output_tokens: 3 }, cached_tokens: 60 }

/** What a model may say: whole, and in the events that streaming gives for the same. */
export const ANSWERS: Readonly<Record<string, { readonly whole: Json; readonly events: readonly Json[] }>> = {
  text: { whole: answer({ content: [{ type: 'text', text: 'Hello' }] }), events: [START, ...text(0, 'Hello'), end()] },
  'several text deltas': {
    whole: answer({ content: [{ type: 'text', text: 'Grüße 🙂' }] }),
    events: [START, ...text(0, 'Grü', 'ße', ' 🙂'), end()],
  },
  'tool call': {
    whole: answer(
      { tool_plan: 'I will look.', tool_calls: [called('t1', 'get_weather', '{"city":"Paris"}')] },
      'TOOL_CALL',
    ),
    events: [
      START,
      { type: 'tool-plan-delta', delta: { message: { tool_plan: 'I will' } } },
      { type: 'tool-plan-delta', delta: { message: { tool_plan: ' look.' } } },
      ...call(0, 't1', 'get_weather', '{"ci', 'ty":"Paris"}'),
      end('TOOL_CALL'),
    ],
  },
  'parallel tool calls': {
    whole: answer({ tool_calls: [called('t1', 'a', '{"x":9007199254740993}'), called('t2', 'b', '{}')] }, 'TOOL_CALL'),
    events: [START, ...call(0, 't1', 'a', '{"x":9007199254740993}'), ...call(1, 't2', 'b', '{}'), end('TOOL_CALL')],
  },
  'empty arguments': {
    whole: answer({ tool_calls: [called('t1', 'now', '')] }, 'TOOL_CALL'),
    events: [START, ...call(0, 't1', 'now'), end('TOOL_CALL')],
  },
  reasoning: {
    whole: answer({
      content: [
        { type: 'thinking', thinking: 'Hm. So.' },
        { type: 'text', text: 'Yes' },
      ],
    }),
    events: [
      START,
      content('content-start', 0, { type: 'thinking', thinking: '' }),
      content('content-delta', 0, { thinking: 'Hm.' }),
      content('content-delta', 0, { thinking: ' So.' }),
      content('content-end', 0, {}),
      ...text(1, 'Yes'),
      end(),
    ],
  },
  sources: {
    whole: answer({ content: [{ type: 'text', text: 'Paris it is' }], citations: [CITATION] }),
    events: [
      START,
      ...text(0, 'Paris', ' it is'),
      { type: 'citation-start', index: 0, delta: { message: { citations: CITATION } } },
      { type: 'citation-end', index: 0 },
      end(),
    ],
  },
  length: {
    whole: answer({ content: [{ type: 'text', text: 'Once' }] }, 'MAX_TOKENS'),
    events: [START, ...text(0, 'Once'), end('MAX_TOKENS')],
  },
  'stop sequence': {
    whole: answer({ content: [{ type: 'text', text: 'One' }] }, 'STOP_SEQUENCE'),
    events: [START, ...text(0, 'One'), end('STOP_SEQUENCE')],
  },
  'usage with cache': {
    whole: answer({ content: [{ type: 'text', text: 'Hi' }] }, 'COMPLETE', CACHED),
    events: [START, ...text(0, 'Hi'), end('COMPLETE', CACHED)],
  },
}

export function failure(message: string): Json {
  return { id: 'err-1', message }
}

/** Ends a stream that failed. */
export const FAILED_END: Json = { type: 'message-end', delta: { finish_reason: 'ERROR', error: 'internal error' } }
export const STREAM_START: Json = START
