/**
 * Gemini's dialect (`generateContent`), as clients and as upstreams speak it: the Gemini API and Vertex AI. The model and
 * whether to stream stand in the path. Start with `decode-request.ts`; answers, whole or streamed, go through
 * `answer-reader.ts`.
 */
import type { ClientDialect, UpstreamDialect } from '../dialect.ts'
import { decodeAnswer } from './decode-answer.ts'
import { refuseBareWords } from './decode-config.ts'
import { decodeRequest } from './decode-request.ts'
import { GeminiStreamDecoder } from './decode-stream.ts'
import { encodeAnswer } from './encode-answer.ts'
import { encodeRequest } from './encode-request.ts'
import { GeminiStreamEncoder } from './encode-stream.ts'
import { decodeError, encodeError } from './errors.ts'
import { MARK_IN_BASE64 } from './seals.ts'

export { decodeCountAnswer, decodeCountRequest, encodeCountAnswer, encodeCountRequest } from './count-tokens.ts'

export const geminiClient: ClientDialect = {
  name: 'gemini',
  foreignSeals: [`"${MARK_IN_BASE64}`],
  decodeRequest,
  // The vendor's own library takes a comment for a piece of JSON.
  readsComments: false,
  checkTranslation: refuseBareWords,
  encodeAnswer,
  streamEncoder: (context) => new GeminiStreamEncoder(context),
  encodeError,
}

export const geminiUpstream: UpstreamDialect = {
  name: 'gemini',
  framing: 'sse',
  traits: {
    toolName: { pattern: /^[A-Za-z_][A-Za-z0-9_.:-]*$/, longest: 64 },
    callId: null,
    instructions: 'leading',
    alternates: true,
    pairsCalls: true,
    customTools: false,
    checksSeals: true,
    choices: true,
  },
  encodeRequest,
  decodeAnswer,
  streamDecoder: (context) => new GeminiStreamDecoder(context),
  decodeError,
}
