import type { Reading } from '../../src/ai/dialects/answer-shape.ts'
import { MESSAGE, EVENT as MESSAGE_EVENT } from '../../src/ai/dialects/anthropic-messages/answer-shape.ts'
import { ANSWER as CONVERSED, EVENTS } from '../../src/ai/dialects/bedrock-converse/answer-shape.ts'
import { ANSWER as COHERE, EVENT as COHERE_EVENT } from '../../src/ai/dialects/cohere/answer-shape.ts'
import { RESPONSE as GEMINI } from '../../src/ai/dialects/gemini/answer-shape.ts'
import type { DialectName } from '../../src/ai/dialects/name.ts'
import { LAST } from '../../src/ai/dialects/ollama/answer-shape.ts'
import { CHUNK, COMPLETION } from '../../src/ai/dialects/openai-chat/answer-shape.ts'
import { COMPLETION as TEXT, CHUNK as TEXT_CHUNK } from '../../src/ai/dialects/openai-completions/answer-shape.ts'
import { RESPONSE, EVENT as RESPONSE_EVENT } from '../../src/ai/dialects/openai-responses/answer-shape.ts'
import { PREDICTION } from '../../src/ai/dialects/replicate/answer-shape.ts'

interface Shapes {
  readonly whole: Reading
  /** By the name of the event, where its data do not tell it. */
  readonly event: (name: string | null) => Reading
}

/** The tables by which each dialect of upstreams reads its answers. */
export const SHAPES: Readonly<Partial<Record<DialectName, Shapes>>> = {
  'openai-chat': { whole: COMPLETION, event: () => CHUNK },
  'openai-completions': { whole: TEXT, event: () => TEXT_CHUNK },
  'openai-responses': { whole: RESPONSE, event: () => RESPONSE_EVENT },
  'anthropic-messages': { whole: MESSAGE, event: () => MESSAGE_EVENT },
  'bedrock-converse': { whole: CONVERSED, event: (name) => EVENTS[name ?? ''] ?? 'lost' },
  gemini: { whole: GEMINI, event: () => GEMINI },
  cohere: { whole: COHERE, event: () => COHERE_EVENT },
  ollama: { whole: LAST, event: () => LAST },
  replicate: { whole: PREDICTION, event: () => ({ '*': 'ran' }) },
}
