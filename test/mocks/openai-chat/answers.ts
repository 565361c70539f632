/*
 * Answers and streams as OpenAI's chat completions send them, written from the API reference ("The chat completion object",
 * "The chat completion chunk object", 2026-11); reasoning with seals as OpenRouter documents it ("Reasoning tokens").
 * Independent of the gateway's own converters.
 */

/** What an upstream answers. */
export type AnswerName =
  | 'text'
  | 'tool-call'
  | 'parallel-tool-calls'
  | 'text-and-tool-call'
  | 'empty-arguments'
  | 'reasoning'
  | 'sealed-reasoning'
  | 'redacted-reasoning'
  | 'signed-call'
  | 'refusal'
  | 'filter'
  | 'length'
  | 'stop-sequence'
  | 'cached-usage'
  | 'citations'
  | 'logprobs'
  | 'audio'

interface Call {
  readonly id: string
  readonly name: string
  readonly arguments: string
}

/** One answer before it is put into the wire's form. */
interface Script {
  readonly content?: string
  readonly refusal?: string
  readonly reasoning?: string
  readonly details?: readonly Readonly<Record<string, unknown>>[]
  readonly calls?: readonly Call[]
  readonly annotations?: readonly Readonly<Record<string, unknown>>[]
  readonly audio?: Readonly<Record<string, unknown>>
  readonly logprobs?: Readonly<Record<string, unknown>>
  readonly finish: string
  readonly matched?: string
  readonly usage?: Readonly<Record<string, unknown>>
}

const TEXT = 'The sky is blue because air scatters short waves more. 🌈'
const WEATHER: Call = { id: 'call_w1', name: 'get_weather', arguments: '{"city":"Oslo","station":9007199254740993}' }
const TIME: Call = { id: 'call_t2', name: 'get_time', arguments: '{"zone":"Europe/Oslo"}' }
const THOUGHT = 'They ask for the weather. I need the tool.'
const CLAUDE = { format: 'anthropic-claude-v1', index: 0 } as const
const TOKEN = { token: 'Yes', logprob: -0.25, bytes: [89, 101, 115], top_logprobs: [] }

const SCRIPTS: Readonly<Record<AnswerName, Script>> = {
  text: { content: TEXT, finish: 'stop' },
  'tool-call': { calls: [WEATHER], finish: 'tool_calls' },
  'parallel-tool-calls': { calls: [WEATHER, TIME], finish: 'tool_calls' },
  'text-and-tool-call': { content: 'I look it up.', calls: [WEATHER], finish: 'tool_calls' },
  'empty-arguments': { calls: [{ ...TIME, arguments: '' }], finish: 'tool_calls' },
  reasoning: { reasoning: THOUGHT, content: TEXT, finish: 'stop' },
  'sealed-reasoning': {
    reasoning: THOUGHT,
    details: [{ type: 'reasoning.text', text: THOUGHT, signature: 'c2lnbmF0dXJl', ...CLAUDE }],
    calls: [WEATHER],
    finish: 'tool_calls',
  },
  'redacted-reasoning': {
    details: [
      { type: 'reasoning.encrypted', data: 'cmVkYWN0ZWQ=', ...CLAUDE },
      { type: 'reasoning.summary', summary: 'Looked at it.', id: 'rs_1', format: 'openai-responses-v1', index: 1 },
      { type: 'reasoning.encrypted', data: 'ZW5j', id: 'rs_1', format: 'openai-responses-v1', index: 1 },
    ],
    content: TEXT,
    finish: 'stop',
  },
  'signed-call': {
    details: [
      { type: 'reasoning.encrypted', data: 'dGhvdWdodA==', id: WEATHER.id, format: 'google-gemini-v1', index: 0 },
    ],
    calls: [WEATHER],
    finish: 'tool_calls',
  },
  refusal: { refusal: 'I cannot help with that.', finish: 'stop' },
  filter: { content: 'This is', finish: 'content_filter' },
  length: { content: 'It begins with', calls: [{ ...WEATHER, arguments: '{"city":"Os' }], finish: 'length' },
  'stop-sequence': { content: 'One, two, ', finish: 'stop', matched: 'three' },
  'cached-usage': {
    content: TEXT,
    finish: 'stop',
    usage: {
      prompt_tokens: 2000,
      completion_tokens: 300,
      total_tokens: 2300,
      prompt_tokens_details: { cached_tokens: 1536, audio_tokens: 0 },
      completion_tokens_details: {
        reasoning_tokens: 192,
        audio_tokens: 0,
        accepted_prediction_tokens: 10,
        rejected_prediction_tokens: 4,
      },
    },
  },
  citations: {
    content: TEXT,
    annotations: [
      {
        type: 'url_citation',
        url_citation: { start_index: 0, end_index: 15, title: 'Sky', url: 'https://example.org/sky' },
      },
    ],
    finish: 'stop',
  },
  logprobs: { content: 'Yes', logprobs: { content: [TOKEN], refusal: null }, finish: 'stop' },
  audio: {
    audio: { id: 'audio_1', data: 'UklGRgABAgMEBQ==', transcript: 'Hello there.', expires_at: 1_790_000_000 },
    finish: 'stop',
  },
}

export const ANSWER_NAMES: readonly AnswerName[] = Object.keys(SCRIPTS) as AnswerName[]

const USAGE = {
  prompt_tokens: 19,
  completion_tokens: 10,
  total_tokens: 29,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: {
    reasoning_tokens: 0,
    audio_tokens: 0,
    accepted_prediction_tokens: 0,
    rejected_prediction_tokens: 0,
  },
}
const HEAD = { id: 'chatcmpl-mock1', created: 1_790_000_000, model: 'gpt-5.2-2026-01-01' }
const FOOT = { service_tier: 'default', system_fingerprint: 'fp_mock' }

/** One whole answer. */
export function chatAnswer(name: AnswerName): Readonly<Record<string, unknown>> {
  const script = SCRIPTS[name]
  return {
    ...HEAD,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: script.content ?? null,
          refusal: script.refusal ?? null,
          annotations: script.annotations ?? [],
          ...(script.reasoning === undefined ? {} : { reasoning_content: script.reasoning }),
          ...(script.details === undefined ? {} : { reasoning_details: script.details }),
          ...(script.audio === undefined ? {} : { audio: script.audio }),
          ...(script.calls === undefined ? {} : { tool_calls: script.calls.map(callOf) }),
        },
        logprobs: script.logprobs ?? null,
        finish_reason: script.finish,
        ...(script.matched === undefined ? {} : { stop_reason: script.matched }),
      },
    ],
    usage: script.usage ?? USAGE,
    ...FOOT,
  }
}

function callOf({ id, name, arguments: text }: Call) {
  return { id, type: 'function', function: { name, arguments: text } }
}

/** The same answer as a stream: the text of each event, `[DONE]` at the end. */
export function chatStream(name: AnswerName): string[] {
  const script = SCRIPTS[name]
  const deltas = deltasOf(script)
  const chunks = deltas.map((delta, at) =>
    choiceChunk({ delta, logprobs: at === 1 ? (script.logprobs ?? null) : null }),
  )
  const matched = script.matched === undefined ? {} : { stop_reason: script.matched }
  chunks.push(choiceChunk({ delta: {}, logprobs: null, finish_reason: script.finish, ...matched }))
  chunks.push(chunk({ choices: [], usage: script.usage ?? USAGE }))
  return [...chunks.map((each) => JSON.stringify(each)), '[DONE]']
}

/** A body of `text/event-stream` with these events. */
export function sseOf(events: readonly string[]): string {
  return events.map((data) => `data: ${data}\n\n`).join('')
}

function deltasOf(script: Script): Readonly<Record<string, unknown>>[] {
  const { reasoning, details, content, refusal, calls, audio, annotations } = script
  const deltas: Readonly<Record<string, unknown>>[] = [
    { role: 'assistant', content: content === undefined ? null : '', refusal: null },
  ]
  if (details === undefined) for (const text of pieces(reasoning ?? '')) deltas.push({ reasoning_content: text })
  for (const detail of details ?? []) deltas.push(...detailDeltas(detail))
  for (const text of pieces(content ?? '')) deltas.push({ content: text })
  if (annotations !== undefined) deltas.push({ annotations })
  for (const text of pieces(refusal ?? '')) deltas.push({ refusal: text })
  if (audio !== undefined) {
    const { id, data, transcript, expires_at } = audio
    deltas.push(
      { audio: { id, transcript: '' } },
      { audio: { transcript } },
      { audio: { data } },
      { audio: { expires_at } },
    )
  }
  for (const [index, call] of (calls ?? []).entries()) {
    const { id, name } = call
    deltas.push({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] })
    for (const text of pieces(call.arguments)) deltas.push({ tool_calls: [{ index, function: { arguments: text } }] })
  }
  return deltas
}

function detailDeltas(detail: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>[] {
  const { text, signature, ...rest } = detail
  if (typeof text !== 'string') return [{ reasoning_details: [detail] }]
  const deltas = pieces(text).map((piece) => ({
    reasoning_content: piece,
    reasoning_details: [{ ...rest, text: piece }],
  }))
  return [...deltas, { reasoning_details: [{ ...rest, text: '', signature }] }]
}

/** A text in pieces of a few characters, never within one. */
function pieces(text: string): string[] {
  const chars = Array.from(text)
  const out: string[] = []
  for (let at = 0; at < chars.length; at += 7) out.push(chars.slice(at, at + 7).join(''))
  return out
}

function choiceChunk(choice: Readonly<Record<string, unknown>>) {
  return chunk({ choices: [{ index: 0, finish_reason: null, ...choice }], usage: null })
}

function chunk(members: Readonly<Record<string, unknown>>) {
  return { ...HEAD, object: 'chat.completion.chunk', ...FOOT, ...members }
}

/** An error as a whole answer, with the status that it comes with. */
export function chatError(
  status: number,
  message: string,
  more: { readonly type?: string; readonly param?: string | null; readonly code?: string | null } = {},
) {
  const type = more.type ?? (status >= 500 ? 'server_error' : 'invalid_request_error')
  return { status, body: { error: { message, type, param: more.param ?? null, code: more.code ?? null } } }
}

/** A stream that begins well and then tells an error, as the vendor and its compatible servers do. */
export function chatStreamWithError(): string[] {
  const begun = chatStream('text').slice(0, 3)
  const error = { message: 'The server had an error while processing your request.', type: 'server_error' }
  return [...begun, JSON.stringify({ error: { ...error, param: null, code: null } })]
}
