import type { WireEvent } from '../../src/ai/dialects/dialect.ts'
import type { DialectName } from '../../src/ai/dialects/name.ts'
import type { JsonObject } from '../../src/ai/ir/json.ts'
import { answers as messages } from '../mocks/anthropic-messages/answers.ts'
import { checkBody as checkMessages } from '../mocks/anthropic-messages/check-request.ts'
import { answers as converse } from '../mocks/bedrock-converse/answers.ts'
import { checkBody as checkConverse } from '../mocks/bedrock-converse/check-request.ts'
import { ANSWERS as cohere } from '../mocks/cohere/answers.ts'
import { checkRequest as checkCohere } from '../mocks/cohere/check-request.ts'
import { ANSWERS as gemini } from '../mocks/gemini/answers.ts'
import { checkRequest as checkGemini } from '../mocks/gemini/check-request.ts'
import { ANSWERS as ollama } from '../mocks/ollama/answers.ts'
import { checkRequest as checkOllama } from '../mocks/ollama/check-request.ts'
import { ANSWER_NAMES, chatAnswer, chatStream } from '../mocks/openai-chat/answers.ts'
import { checkChatBody } from '../mocks/openai-chat/check-request.ts'
import { COMPLETION_NAMES, completionAnswer, completionStream } from '../mocks/openai-completions/answers.ts'
import { checkCompletionBody } from '../mocks/openai-completions/check-request.ts'
import { ANSWER_NAMES as RESPONSE_NAMES, responsesAnswer, responsesStream } from '../mocks/openai-responses/answers.ts'
import { checkResponsesBody } from '../mocks/openai-responses/check-request.ts'

/** The same answer of a vendor, whole and as its stream. */
export interface UpstreamAnswer {
  readonly whole: JsonObject
  readonly events: readonly WireEvent[]
}

/** A vendor's side in the golden corpus: what it refuses, and what it says. */
export interface Upstream {
  /** Null when the vendor takes the body, else what it says against it. */
  readonly check: (body: unknown) => unknown
  readonly answers: Readonly<Record<string, UpstreamAnswer>>
}

const GEMINI_PATH = '/v1beta/models/upstream-model:generateContent'
const JSON_HEADERS = { 'content-type': 'application/json' }
const COHERE_HEADERS = { ...JSON_HEADERS, authorization: 'Bearer k' }
const GEMINI_HEADERS = { 'x-goog-api-key': 'k', 'content-type': 'application/json' }

const data = (value: unknown): WireEvent => ({ name: null, data: JSON.stringify(value) })

/** Every upstream of the corpus. */
export const UPSTREAMS: Readonly<Partial<Record<DialectName, Upstream>>> = {
  'openai-chat': {
    check: (body) => checkChatBody(body),
    answers: Object.fromEntries(
      ANSWER_NAMES.map((name) => {
        return [name, { whole: chatAnswer(name), events: chatStream(name).map((text) => ({ name: null, data: text })) }]
      }),
    ),
  },
  'openai-completions': {
    check: checkCompletionBody,
    answers: Object.fromEntries(
      COMPLETION_NAMES.map((name) => {
        const events = completionStream(name).map((text) => ({ name: null, data: text }))
        return [name, { whole: completionAnswer(name), events }]
      }),
    ),
  },
  'openai-responses': {
    check: checkResponsesBody,
    answers: Object.fromEntries(
      RESPONSE_NAMES.map((name) => {
        const events = responsesStream(name).map((event) => {
          return { name: String(event['type']), data: JSON.stringify(event) }
        })
        return [name, { whole: responsesAnswer(name), events }]
      }),
    ),
  },
  'anthropic-messages': {
    check: checkMessages,
    answers: mapped(messages, ({ body, events }) => ({
      whole: body,
      events: events.map((event) => ({ name: String(event['type']), data: JSON.stringify(event) })),
    })),
  },
  'bedrock-converse': {
    check: checkConverse,
    answers: mapped(converse, ({ body, events }) => ({
      whole: body,
      events: events.map((event) => ({ name: event.name, data: JSON.stringify(event.data) })),
    })),
  },
  gemini: {
    check: (body) => checkGemini({ method: 'POST', path: GEMINI_PATH, headers: GEMINI_HEADERS, body }, 'k'),
    answers: mapped(gemini, ({ whole, chunks }) => ({ whole, events: chunks.map(data) })),
  },
  cohere: {
    check: (body) => checkCohere({ method: 'POST', path: '/v2/chat', headers: COHERE_HEADERS, body }, 'k'),
    answers: mapped(cohere, ({ whole, events }) => ({ whole, events: events.map(data) })),
  },
  ollama: {
    check: (body) => checkOllama({ method: 'POST', path: '/api/chat', body }),
    answers: mapped(ollama, ({ whole, lines }) => ({ whole, events: lines.map(data) })),
  },
}

function mapped<From>(
  from: Readonly<Record<string, From>>,
  to: (value: From) => UpstreamAnswer,
): Readonly<Record<string, UpstreamAnswer>> {
  return Object.fromEntries(Object.entries(from).map(([name, value]) => [kebab(name), to(value)]))
}

function kebab(name: string): string {
  return name
    .replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    .replaceAll(' ', '-')
    .replace(/^-/, '')
}
