import type { DialectName } from '../../src/ai/dialects/name.ts'
import { CHAT } from './asked/chat.ts'
import type { FullRequest } from './asked/full-request.ts'
import { GEMINI } from './asked/gemini.ts'
import { MESSAGES } from './asked/messages.ts'
import { RESPONSES } from './asked/responses.ts'

/** Objects that clients send and no request of the golden corpus has. */
export const FULL_REQUESTS: Readonly<Partial<Record<DialectName, readonly FullRequest[]>>> = {
  'anthropic-messages': MESSAGES,
  'openai-chat': CHAT,
  'openai-responses': RESPONSES,
  gemini: GEMINI,
}
