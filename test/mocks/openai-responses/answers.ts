/*
 * Answers and streams as OpenAI's Responses send them, written from the API reference ("The response object", "Streaming events",
 * 2026-11) and the types of the official client. Independent of the gateway's own converters.
 */

type Members = Readonly<Record<string, unknown>>

/** What an upstream answers. */
export type AnswerName =
  | 'text'
  | 'several-texts'
  | 'tool-call'
  | 'parallel-tool-calls'
  | 'text-and-tool-call'
  | 'empty-arguments'
  | 'custom-tool-call'
  | 'reasoning'
  | 'sealed-reasoning'
  | 'open-reasoning'
  | 'refusal'
  | 'filter'
  | 'length'
  | 'cached-usage'
  | 'citations'
  | 'logprobs'
  | 'web-search'
  | 'image'

interface Script {
  readonly output: readonly Members[]
  /** Why it is not complete. */
  readonly incomplete?: string
  readonly usage?: Members
}

const TEXT = 'The sky is blue because air scatters short waves more. 🌈'
const TOKEN = { token: 'Yes', logprob: -0.25, bytes: [89, 101, 115], top_logprobs: [] }
const QUESTION = '{"city":"Oslo","station":9007199254740993}'

function text(value: string, more: Members = {}): Members {
  return { type: 'output_text', annotations: [], logprobs: [], text: value, ...more }
}

function message(id: string, ...content: readonly Members[]): Members {
  return { id, type: 'message', status: 'completed', role: 'assistant', content }
}

function call(id: string, callId: string, name: string, value: string): Members {
  return { id, type: 'function_call', status: 'completed', arguments: value, call_id: callId, name }
}

const WEATHER = call('fc_w1', 'call_w1', 'get_weather', QUESTION)
const TIME = call('fc_t2', 'call_t2', 'get_time', '{"zone":"Europe/Oslo"}')
const SEALED = {
  id: 'rs_1',
  type: 'reasoning',
  summary: [
    { type: 'summary_text', text: '**Looking**\n\nThey ask for the weather.' },
    { type: 'summary_text', text: '**Deciding**\n\nI need the tool.' },
  ],
  encrypted_content: 'gAAAAABsealed==',
}

const SCRIPTS: Readonly<Record<AnswerName, Script>> = {
  text: { output: [message('msg_1', text(TEXT))] },
  'several-texts': { output: [message('msg_1', text('First.'), text(' Second.')), message('msg_2', text('Third.'))] },
  'tool-call': { output: [WEATHER] },
  'parallel-tool-calls': { output: [WEATHER, TIME] },
  'text-and-tool-call': { output: [message('msg_1', text('I look it up.')), WEATHER] },
  'empty-arguments': { output: [call('fc_e1', 'call_e1', 'get_time', '')] },
  'custom-tool-call': {
    output: [
      {
        id: 'ctc_1',
        type: 'custom_tool_call',
        status: 'completed',
        call_id: 'call_c1',
        name: 'run_sql',
        input: 'SELECT "a" FROM b',
      },
    ],
  },
  reasoning: { output: [{ ...SEALED, encrypted_content: undefined }, message('msg_1', text(TEXT))] },
  'sealed-reasoning': { output: [SEALED, WEATHER] },
  'open-reasoning': {
    output: [
      {
        id: 'rs_2',
        type: 'reasoning',
        summary: [],
        content: [{ type: 'reasoning_text', text: 'They ask why. Scattering.' }],
      },
      message('msg_1', text(TEXT)),
    ],
  },
  refusal: { output: [message('msg_1', { type: 'refusal', refusal: 'I cannot help with that.' })] },
  filter: {
    output: [{ ...message('msg_1', text('This is')), status: 'incomplete' }],
    incomplete: 'content_filter',
  },
  length: {
    output: [message('msg_1', text('It begins with')), { ...WEATHER, arguments: '{"city":"Os', status: 'incomplete' }],
    incomplete: 'max_output_tokens',
  },
  'cached-usage': {
    output: [message('msg_1', text(TEXT))],
    usage: {
      input_tokens: 2000,
      input_tokens_details: { cached_tokens: 1536, cache_write_tokens: 200 },
      output_tokens: 300,
      output_tokens_details: { reasoning_tokens: 192 },
      total_tokens: 2300,
    },
  },
  citations: {
    output: [
      message(
        'msg_1',
        text(TEXT, {
          annotations: [
            { type: 'url_citation', start_index: 0, end_index: 15, title: 'Sky', url: 'https://example.org/sky' },
            { type: 'file_citation', index: 4, file_id: 'file_1', filename: 'sky.pdf' },
          ],
        }),
      ),
    ],
  },
  logprobs: { output: [message('msg_1', text('Yes', { logprobs: [TOKEN] }))] },
  'web-search': {
    output: [
      { id: 'ws_1', type: 'web_search_call', status: 'completed', action: { type: 'search', query: 'sky' } },
      message('msg_1', text(TEXT)),
    ],
  },
  image: {
    output: [
      { id: 'ig_1', type: 'image_generation_call', status: 'completed', output_format: 'png', result: 'iVBORw0KGgo=' },
    ],
  },
}

// The keys of the table are its names.
export const ANSWER_NAMES = Object.keys(SCRIPTS) as readonly AnswerName[]

const USAGE = {
  input_tokens: 19,
  input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
  output_tokens: 10,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 29,
}

function response(status: string, more: Members): Members {
  return {
    id: 'resp_mock1',
    object: 'response',
    created_at: 1_790_000_000,
    status,
    background: false,
    completed_at: status === 'completed' ? 1_790_000_003 : null,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    max_tool_calls: null,
    model: 'gpt-5.2-2026-01-01',
    output: [],
    parallel_tool_calls: true,
    previous_response_id: null,
    prompt_cache_key: null,
    reasoning: { effort: 'medium', summary: null },
    safety_identifier: null,
    service_tier: 'default',
    store: false,
    temperature: 1,
    text: { format: { type: 'text' }, verbosity: 'medium' },
    tool_choice: 'auto',
    tools: [],
    top_logprobs: 0,
    top_p: 1,
    truncation: 'disabled',
    usage: null,
    user: null,
    metadata: {},
    ...more,
  }
}

/** One whole answer. */
export function responsesAnswer(name: AnswerName): Members {
  const { output, incomplete, usage = USAGE } = SCRIPTS[name]
  if (incomplete === undefined) return response('completed', { output, usage })
  return response('incomplete', { output, usage, incomplete_details: { reason: incomplete } })
}

/** The same answer as a stream of events. */
export function responsesStream(name: AnswerName): Members[] {
  const whole = responsesAnswer(name)
  const events: Members[] = [
    { type: 'response.created', response: response('in_progress', {}) },
    { type: 'response.in_progress', response: response('in_progress', {}) },
  ]
  for (const [index, item] of SCRIPTS[name].output.entries()) events.push(...itemEvents(item, index))
  events.push({ type: `response.${String(whole['status'])}`, response: whole })
  return events.map((event, number) => ({ ...event, sequence_number: number }))
}

function itemEvents(item: Members, output_index: number): Members[] {
  const { type, id: item_id } = item
  const at = { item_id, output_index }
  const done = { type: 'response.output_item.done', output_index, item }
  const added = (begun: Members) => ({
    type: 'response.output_item.added',
    output_index,
    item: { ...item, status: 'in_progress', ...begun },
  })
  switch (type) {
    case 'message':
      return [added({ content: [] }), ...listOf(item['content']).flatMap(contentEvents(at)), done]
    case 'reasoning':
      return [
        added({ summary: [], content: undefined, encrypted_content: undefined }),
        ...listOf(item['summary']).flatMap(summaryEvents(at)),
        ...listOf(item['content']).flatMap(contentEvents(at)),
        done,
      ]
    case 'function_call':
      return [added({ arguments: '' }), ...argumentEvents(at, 'function_call_arguments', 'arguments', item), done]
    case 'custom_tool_call':
      return [added({ input: '' }), ...argumentEvents(at, 'custom_tool_call_input', 'input', item), done]
    default:
      return [added(item['result'] === undefined ? {} : { result: null }), done]
  }
}

function listOf(value: unknown): Members[] {
  return Array.isArray(value) ? value : []
}

function contentEvents(at: Members) {
  return (part: Members, content_index: number): Members[] => {
    const kind = String(part['type'])
    const member = kind === 'refusal' ? 'refusal' : 'text'
    const value = String(part[member])
    const here = { ...at, content_index }
    const word = kind === 'output_text' ? 'output_text' : kind
    const logprobs = kind === 'output_text' ? { logprobs: [] } : {}
    const empty = { ...part, [member]: '', ...(kind === 'output_text' ? { annotations: [], logprobs: [] } : {}) }
    return [
      { type: 'response.content_part.added', ...here, part: empty },
      ...pieces(value).map((delta, piece) => ({
        type: `response.${word}.delta`,
        ...here,
        delta,
        ...(kind === 'output_text' ? { logprobs: piece === 0 ? part['logprobs'] : [] } : {}),
      })),
      ...listOf(part['annotations']).map((annotation, annotation_index) => ({
        type: 'response.output_text.annotation.added',
        ...here,
        annotation_index,
        annotation,
      })),
      { type: `response.${word}.done`, ...here, [member]: value, ...logprobs },
      { type: 'response.content_part.done', ...here, part },
    ]
  }
}

function summaryEvents(at: Members) {
  return (part: Members, summary_index: number): Members[] => {
    const here = { ...at, summary_index }
    const value = String(part['text'])
    return [
      { type: 'response.reasoning_summary_part.added', ...here, part: { ...part, text: '' } },
      ...pieces(value).map((delta) => ({ type: 'response.reasoning_summary_text.delta', ...here, delta })),
      { type: 'response.reasoning_summary_text.done', ...here, text: value },
      { type: 'response.reasoning_summary_part.done', ...here, part },
    ]
  }
}

function argumentEvents(at: Members, word: string, member: string, item: Members): Members[] {
  const value = String(item[member])
  return [
    ...pieces(value).map((delta) => ({ type: `response.${word}.delta`, ...at, delta })),
    { type: `response.${word}.done`, ...at, [member]: value },
  ]
}

/** A text in pieces of a few characters, never within one. */
function pieces(value: string): string[] {
  const chars = Array.from(value)
  const out: string[] = []
  for (let at = 0; at < chars.length; at += 7) out.push(chars.slice(at, at + 7).join(''))
  return out
}

/** The text of a stream on the wire. */
export function sseText(events: readonly Members[]): string {
  return events.map((event) => `event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n`).join('')
}

/** A stream that begins well and then fails, in each of the two ways. */
export function failingStream(kind: 'failed' | 'error'): Members[] {
  const begun = responsesStream('text').slice(0, 5)
  const error = { code: 'server_error', message: 'The server had an error while processing your request.' }
  const sequence_number = begun.length
  if (kind === 'error') return [...begun, { type: 'error', ...error, param: null, sequence_number }]
  return [...begun, { type: 'response.failed', response: response('failed', { error }), sequence_number }]
}

/** An error as a whole answer, with the status that it comes with. */
export function responsesError(
  status: number,
  message: string,
  more: { readonly param?: string | null; readonly code?: string | null } = {},
) {
  const type = status >= 500 ? 'server_error' : 'invalid_request_error'
  return { status, body: { error: { message, type, param: more.param ?? null, code: more.code ?? null } } }
}
