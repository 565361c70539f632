import { isObject, type JsonObject, parseJson } from '../harness/json.ts'

/** What an error says, in whatever dialect. */
export interface ToldError {
  readonly message: string
  /** The dialect's own word for what went wrong. */
  readonly kind: string
  /** The member that is wrong, where the dialect has a place for it. */
  readonly param: string | null
}

/** A dialect as a client without a library speaks it: what it sends, and how it reads what comes. */
export interface ClientForm {
  readonly path: (model: string, stream: boolean) => string
  readonly body: (model: string, stream: boolean) => JsonObject
  /** The member that holds the conversation. */
  readonly content: string
  /** The limit of output as this dialect's clients say it. */
  readonly limit: (value: unknown) => JsonObject
  /** What an error object says; null: it is none of this dialect. */
  readonly error: (body: unknown) => ToldError | null
  /** Whether this event of a stream is the dialect's proper end. */
  readonly ends: (event: unknown) => boolean
  /** What an event of a stream says went wrong, as {@link error}. */
  readonly streamError: (event: unknown) => ToldError | null
}

const text = (value: unknown) => (typeof value === 'string' ? value : '')

function openaiError(body: unknown): ToldError | null {
  const error = isObject(body) ? body['error'] : null
  if (!isObject(error) || typeof error['message'] !== 'string' || typeof error['type'] !== 'string') return null
  // The vendor's object has these members, always.
  if (!('param' in error) || !('code' in error)) return null
  return { message: error['message'], kind: text(error['code']), param: text(error['param']) || null }
}

const CHAT = [{ role: 'user', content: 'Hello' }]
const streamed = (stream: boolean) => (stream ? { stream } : {})

/** Every dialect that clients hold a conversation in. */
export const CLIENT_FORMS: Readonly<Record<string, ClientForm>> = {
  'openai-chat': {
    path: () => '/v1/chat/completions',
    body: (model, stream) => ({ model, messages: CHAT, ...streamed(stream) }),
    content: 'messages',
    limit: (value) => ({ max_tokens: value }),
    error: openaiError,
    ends: (event) => event === '[DONE]' || finished(event, 'choices', 'finish_reason'),
    streamError: openaiError,
  },
  'openai-responses': {
    path: () => '/v1/responses',
    body: (model, stream) => ({ model, input: 'Hello', store: false, ...streamed(stream) }),
    content: 'input',
    limit: (value) => ({ max_output_tokens: value }),
    error: openaiError,
    ends: (event) => isObject(event) && ['response.completed', 'response.incomplete'].includes(text(event['type'])),
    streamError: (event) => {
      if (!isObject(event)) return null
      if (event['type'] === 'error') return { message: text(event['message']), kind: text(event['code']), param: null }
      const response = event['type'] === 'response.failed' ? event['response'] : null
      const error = isObject(response) ? response['error'] : null
      return isObject(error) ? { message: text(error['message']), kind: text(error['code']), param: null } : null
    },
  },
  'openai-completions': {
    path: () => '/v1/completions',
    body: (model, stream) => ({ model, prompt: 'Hello', ...streamed(stream) }),
    content: 'prompt',
    limit: (value) => ({ max_tokens: value }),
    error: openaiError,
    ends: (event) => event === '[DONE]' || finished(event, 'choices', 'finish_reason'),
    streamError: openaiError,
  },
  'anthropic-messages': {
    path: () => '/v1/messages',
    body: (model, stream) => ({ model, max_tokens: 100, messages: CHAT, ...streamed(stream) }),
    content: 'messages',
    limit: (value) => ({ max_tokens: value }),
    error: anthropicError,
    ends: (event) => isObject(event) && ['message_stop', 'message_delta'].includes(text(event['type'])),
    streamError: anthropicError,
  },
  gemini: {
    path: (model, stream) => `/v1beta/models/${model}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    body: () => ({ contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] }),
    content: 'contents',
    limit: (value) => ({ generationConfig: { maxOutputTokens: value } }),
    error: geminiError,
    ends: (event) => finished(event, 'candidates', 'finishReason'),
    streamError: geminiError,
  },
}

function anthropicError(body: unknown): ToldError | null {
  const error = isObject(body) && body['type'] === 'error' ? body['error'] : null
  if (!isObject(error) || typeof error['message'] !== 'string' || typeof error['type'] !== 'string') return null
  return { message: error['message'], kind: error['type'], param: null }
}

function geminiError(body: unknown): ToldError | null {
  const error = isObject(body) ? body['error'] : null
  if (!isObject(error) || typeof error['message'] !== 'string') return null
  if (typeof error['code'] !== 'number' || typeof error['status'] !== 'string') return null
  return { message: error['message'], kind: error['status'], param: null }
}

function finished(event: unknown, list: string, member: string): boolean {
  const choices = isObject(event) ? event[list] : null
  return Array.isArray(choices) && choices.some((choice) => isObject(choice) && typeof choice[member] === 'string')
}

/** The data of every event of a stream; `[DONE]` as it is. */
export function eventsIn(body: string): unknown[] {
  return body
    .split(/\r?\n\r?\n/)
    .flatMap((event) => event.split(/\r?\n/).filter((line) => line.startsWith('data:')))
    .map((line) => line.slice('data:'.length).trim())
    .map((data) => (data === '[DONE]' ? data : parseJson(data)))
}
