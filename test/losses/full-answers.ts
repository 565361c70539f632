/*
 * Answers with every member that the vendors' references name and that the other answers do not hold.
 */
import type { DialectName } from '../../src/ai/dialects/name.ts'
import { CHAT } from './full/chat.ts'
import { COHERE } from './full/cohere.ts'
import { CONVERSE } from './full/converse.ts'
import type { Answers } from './full/events.ts'
import { GEMINI } from './full/gemini.ts'
import { MESSAGES } from './full/messages.ts'
import { OLLAMA } from './full/ollama.ts'
import { REPLICATE } from './full/replicate.ts'
import { RESPONSES } from './full/responses.ts'

/** Answers of each vendor, by what they hold. */
export const FULL_ANSWERS: Readonly<Partial<Record<DialectName, Answers>>> = {
  'anthropic-messages': MESSAGES,
  'openai-chat': CHAT,
  'openai-responses': RESPONSES,
  gemini: GEMINI,
  'bedrock-converse': CONVERSE,
  cohere: COHERE,
  ollama: OLLAMA,
  replicate: REPLICATE,
}
