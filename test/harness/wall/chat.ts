import { createHash } from 'node:crypto'
import { at, type JsonObject } from '../json.ts'

/** Token counts of one answer, in the vendor's field names. */
export interface WallUsage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
}

/** The deterministic answer to one chat request: same request, same answer. */
export interface ChatAnswer {
  readonly id: string
  readonly model: string
  readonly words: readonly string[]
  readonly finishReason: 'stop' | 'length'
  readonly usage: WallUsage
  readonly stream: boolean
  readonly includeUsage: boolean
}

/** How many words an answer has when nothing says otherwise. */
export const DEFAULT_WORDS = 8

const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '')

const textOf = (part: unknown): string => {
  const text = at(part, 'text')
  return typeof text === 'string' ? text : ''
}

/** All text of the request's messages, joined by blanks. */
export function promptText(body: JsonObject): string {
  const messages = Array.isArray(body.messages) ? body.messages : []
  const contents = messages.map((message) => {
    const content = at(message, 'content')
    if (typeof content === 'string') return content
    return Array.isArray(content) ? content.map((part) => textOf(part)).join(' ') : ''
  })
  return contents.join(' ')
}

/**
 * Composes the answer. Its first word is the request's `user` when given, so that answers can be told apart; prompt
 * tokens are the words of the messages, completion tokens the words answered. `wanted` fixes the text or the number
 * of words; `cap: 'ignored'` answers longer than `max_tokens` allows.
 */
export function composeAnswer(
  body: JsonObject,
  { wanted = DEFAULT_WORDS, cap = 'honoured' }: { wanted?: number | string; cap?: 'honoured' | 'ignored' } = {},
): ChatAnswer {
  const all = typeof wanted === 'string' ? wordsOf(wanted) : numberedWords(wanted, body.user)
  const limit = body.max_completion_tokens ?? body.max_tokens
  const allowed = typeof limit === 'number' && cap === 'honoured' ? limit : Number.POSITIVE_INFINITY
  const words = all.slice(0, Math.min(all.length, allowed))
  const prompt = wordsOf(promptText(body)).length
  return {
    id: `chatcmpl-${createHash('sha256').update(JSON.stringify(body)).digest('hex').slice(0, 24)}`,
    model: String(body.model),
    words,
    finishReason: words.length < all.length ? 'length' : 'stop',
    usage: { prompt_tokens: prompt, completion_tokens: words.length, total_tokens: prompt + words.length },
    stream: body.stream === true,
    includeUsage: at(body, 'stream_options', 'include_usage') === true,
  }
}

function numberedWords(count: number, user: unknown): string[] {
  const first = typeof user === 'string' && user !== '' ? user : 'answer'
  return Array.from({ length: count }, (_unused, index) => (index === 0 ? first : `word${index}`))
}

const base = (answer: ChatAnswer, object: string) => ({
  id: answer.id,
  object,
  created: 1_750_000_000,
  model: answer.model,
})

/** The body of a non-streaming answer; a `usage` of undefined leaves the field out. */
export function completionOf(answer: ChatAnswer, usage: unknown): JsonObject {
  const message = { role: 'assistant', content: answer.words.join(' '), refusal: null }
  const choices = [{ index: 0, message, logprobs: null, finish_reason: answer.finishReason }]
  return { ...base(answer, 'chat.completion'), choices, ...(usage === undefined ? {} : { usage }) }
}

/** One `chat.completion.chunk` with this delta. */
export function chunkOf(answer: ChatAnswer, delta: JsonObject, finishReason: string | null = null): JsonObject {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }]
  return { ...base(answer, 'chat.completion.chunk'), choices, ...(answer.includeUsage ? { usage: null } : {}) }
}

/** The chunk with empty choices that carries the usage. */
export function usageChunkOf(answer: ChatAnswer, usage: unknown): JsonObject {
  return { ...base(answer, 'chat.completion.chunk'), choices: [], usage }
}

/** Chunks of a whole stream: role, one per word, finish, and usage when it was asked for. */
export function chunksOf(answer: ChatAnswer): JsonObject[] {
  const words = answer.words.map((word, index) => chunkOf(answer, { content: index === 0 ? word : ` ${word}` }))
  const chunks = [
    chunkOf(answer, { role: 'assistant', content: '' }),
    ...words,
    chunkOf(answer, {}, answer.finishReason),
  ]
  return answer.includeUsage ? [...chunks, usageChunkOf(answer, answer.usage)] : chunks
}

/** One server-sent event with this data. */
export function eventOf(data: JsonObject | string): string {
  return `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`
}

/** The vendor's error body. */
export function errorOf(message: string, type: string, code: string | null = null): JsonObject {
  return { error: { message, type, param: null, code } }
}
