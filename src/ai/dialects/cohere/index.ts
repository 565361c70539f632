/**
 * Cohere's v2 chat, as upstreams speak it. Start with `encode-request.ts`; the vendor's reference is
 * docs.cohere.com/reference/chat (2026).
 */
import type { UpstreamDialect } from '../dialect.ts'
import { decodeAnswer } from './decode-answer.ts'
import { CohereStreamDecoder } from './decode-stream.ts'
import { encodeRequest } from './encode-request.ts'
import { decodeError } from './errors.ts'

export const cohereUpstream: UpstreamDialect = {
  name: 'cohere',
  framing: 'sse',
  traits: {
    toolName: { pattern: /^[A-Za-z_][A-Za-z0-9_-]*$/, longest: 64 },
    callId: null,
    instructions: 'anywhere',
    alternates: false,
    pairsCalls: true,
    customTools: false,
    checksSeals: false,
    choices: false,
  },
  encodeRequest,
  decodeAnswer,
  streamDecoder: (context) => new CohereStreamDecoder(context),
  decodeError,
}
