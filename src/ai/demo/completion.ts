import { createHash } from 'node:crypto'
import { composeText, lastQuestion } from './compose.ts'
import type { ContentPart, ConversationRequest, Message } from './request-types.ts'
import { valueFor } from './schema-value.ts'
import { countTokens, firstTokens } from './tokens.ts'
import { decideCalls, hintsOf } from './tool-calls.ts'

/** A decided tool call with its id. */
export interface CompletionCall {
  readonly id: string
  readonly name: string
  readonly arguments: string
}

/** One answer of a completion. */
export interface Choice {
  /** Null when it calls tools instead. */
  readonly content: string | null
  readonly calls: readonly CompletionCall[]
  readonly finishReason: 'stop' | 'length' | 'tool_calls'
  readonly tokens: number
}

/** A whole completion, before it is written as one object or as a stream. */
export interface Completion {
  readonly id: string
  /** Seconds since the epoch. */
  readonly created: number
  readonly model: string
  readonly choices: readonly Choice[]
  readonly promptTokens: number
  readonly completionTokens: number
}

/** Counted for each message besides its text, and for each part of it that is no text. */
const TOKENS_PER_MESSAGE = 3
const TOKENS_PER_MEDIUM = 85

/**
 * Completes a request. The id comes from the bytes of its body; what is said, and the ids of calls, from the messages
 * alone, so that a stream says what the whole answer says, and the ids of a later turn differ from an earlier one's.
 */
export function complete(request: ConversationRequest, body: Buffer, nowMs: number): Completion {
  const hash = sha256(JSON.stringify(request.messages))
  const choices = Array.from({ length: request.choices }, (_, index) => makeChoice(request, hash, index))
  return {
    id: `chatcmpl-demo-${sha256(body).slice(0, 24)}`,
    created: Math.floor(nowMs / 1_000),
    model: request.model,
    choices,
    promptTokens: countPrompt(request),
    completionTokens: choices.reduce((sum, choice) => sum + choice.tokens, 0),
  }
}

/** The `usage` member of a completion. */
export function usageOf(completion: Completion): Record<string, unknown> {
  return {
    prompt_tokens: completion.promptTokens,
    completion_tokens: completion.completionTokens,
    total_tokens: completion.promptTokens + completion.completionTokens,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

function makeChoice(request: ConversationRequest, hash: string, index: number): Choice {
  const calls = decideCalls(request)
  if (calls.length > 0) {
    return limitCalls(
      calls.map((call, i) => ({ id: `call_${hash.slice(24, 44)}${pad(index)}${pad(i)}`, ...call })),
      request.maxTokens,
    )
  }
  const seed = Number.parseInt(hash.slice(0, 8), 16)
  let text = composeText(request, seed, index)
  if (request.answerSchema !== null) text = fill(request.answerSchema, request, text)
  for (const stop of request.stop) {
    const at = text.indexOf(stop)
    if (at >= 0) text = text.slice(0, at)
  }
  const content = firstTokens(text, request.maxTokens)
  return {
    content,
    calls: [],
    finishReason: content.length < text.length ? 'length' : 'stop',
    tokens: countTokens(content),
  }
}

/** JSON that fits the schema that was asked for; without a schema an object with the answer. */
function fill(schema: Readonly<Record<string, unknown>>, request: ConversationRequest, answer: string): string {
  if (Object.keys(schema).length === 0) return JSON.stringify({ answer })
  const question = lastQuestion(request.messages).slice(0, 4_000)
  return JSON.stringify(valueFor(schema, hintsOf(question, answer)))
}

/** Calls within a limit of tokens: the one that passes it is cut, as a model would stop writing. */
function limitCalls(calls: readonly CompletionCall[], maxTokens: number): Choice {
  const kept: CompletionCall[] = []
  let tokens = 0
  for (const call of calls) {
    const name = countTokens(call.name)
    if (tokens + name > maxTokens) return { content: null, calls: kept, finishReason: 'length', tokens }
    const text = firstTokens(call.arguments, maxTokens - tokens - name)
    tokens += name + countTokens(text)
    kept.push({ ...call, arguments: text })
    if (text.length < call.arguments.length) return { content: null, calls: kept, finishReason: 'length', tokens }
  }
  return { content: null, calls: kept, finishReason: 'tool_calls', tokens }
}

function countPrompt(request: ConversationRequest): number {
  let tokens = TOKENS_PER_MESSAGE
  for (const message of request.messages) tokens += countMessage(message)
  if (request.tools.length > 0) tokens += countTokens(JSON.stringify(request.tools))
  if (request.answerSchema !== null) tokens += countTokens(JSON.stringify(request.answerSchema))
  return tokens
}

function countMessage(message: Message): number {
  let tokens = TOKENS_PER_MESSAGE + countTokens(message.name ?? '')
  const { content } = message
  if (typeof content === 'string') tokens += countTokens(content)
  else for (const part of content ?? []) tokens += countPart(part)
  for (const call of message.tool_calls ?? []) {
    tokens += countTokens(call.function.name) + countTokens(call.function.arguments)
  }
  return tokens
}

function countPart(part: ContentPart): number {
  return part.text === undefined ? TOKENS_PER_MEDIUM : countTokens(part.text)
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}

function pad(index: number): string {
  return index.toString(16).padStart(2, '0')
}
