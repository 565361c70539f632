/*
 * Anthropic's Messages dialect, as clients and as upstreams speak it: POST /v1/messages, its streams, and
 * /v1/messages/count_tokens. Written from the API reference ("Messages", "Streaming messages", "Errors", "Prompt caching",
 * "Extended thinking", "Structured outputs") and the types of the vendor's TypeScript client, 2026. Start with
 * `decode-request.ts` and `encode-request.ts`.
 */
import type { ClientDialect, UpstreamDialect } from '../dialect.ts'
import { leastCached } from './cache.ts'
import { checkTranslation } from './check-translation.ts'
import { decodeAnswer } from './decode-answer.ts'
import { decodeRequest } from './decode-request.ts'
import { MessagesDecoder } from './decode-stream.ts'
import { encodeAnswer } from './encode-answer.ts'
import { encodeRequest } from './encode-request.ts'
import { MessagesEncoder } from './encode-stream.ts'
import { decodeError, encodeError } from './errors.ts'
import { PREFIX } from './foreign-seals.ts'
import { isHoldable } from './output-schema.ts'

export { decodeTokenCount } from './decode-answer.ts'
export { decodeCountTokens } from './decode-request.ts'
export { encodeTokenCount } from './encode-answer.ts'
export { encodeCountTokens } from './encode-request.ts'

export const messagesClient: ClientDialect = {
  name: 'anthropic-messages',
  foreignSeals: [`"${PREFIX}`, '"signature":""', '"signature": ""'],
  decodeRequest,
  checkTranslation,
  encodeAnswer,
  streamEncoder: (context) => new MessagesEncoder(context),
  encodeError,
}

export const messagesUpstream: UpstreamDialect = {
  name: 'anthropic-messages',
  framing: 'sse',
  traits: {
    toolName: { pattern: /^[a-zA-Z0-9_-]+$/, longest: 128 },
    callId: { pattern: /^[a-zA-Z0-9_-]+$/, longest: 256 },
    instructions: 'leading',
    alternates: true,
    pairsCalls: true,
    customTools: false,
    checksSeals: true,
    output: { schema: 'native', json: 'tool', holds: isHoldable },
    choices: false,
    leastCached,
  },
  encodeRequest,
  limitOf: (body) => body['max_tokens'],
  decodeAnswer,
  streamDecoder: (context) => new MessagesDecoder(context),
  decodeError,
}
