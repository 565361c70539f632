import type { GatewayError } from '../../core/index.ts'
import type { ClientDialectName } from '../conversation/readers.ts'
import { encodeError as encodeMessagesError, statusOf as statusOfMessages } from './anthropic-messages/errors.ts'
import type { ClientDialect } from './dialect.ts'
import { encodeError as encodeGeminiError } from './gemini/errors.ts'
import { encodeError as encodeChatError } from './openai-chat/errors.ts'
import { encodeError as encodeResponsesError } from './openai-responses/errors.ts'

/** How clients' dialects say errors: apart from the rest of them, since a request may be refused before that is loaded. */
export const ENCODE_ERROR: Readonly<Record<ClientDialectName, ClientDialect['encodeError']>> = {
  'openai-chat': encodeChatError,
  'openai-responses': encodeResponsesError,
  'openai-completions': encodeChatError,
  'anthropic-messages': encodeMessagesError,
  gemini: encodeGeminiError,
}

/** The status of an error, where a dialect has one of its own for it. */
export function statusFor(dialect: ClientDialectName, error: GatewayError): number {
  return dialect === 'anthropic-messages' ? statusOfMessages(error) : error.status
}
