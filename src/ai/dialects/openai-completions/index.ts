/*
 * OpenAI's older text completions, written from its API reference and the types of its official clients (2026-11): prompts in,
 * texts out. A client of it reaches upstreams of conversations with one prompt, which becomes the user's message;
 * `suffix`, `echo` and `best_of` have no equal there, and are reported.
 */
import type { ClientDialect, UpstreamDialect } from '../dialect.ts'
import { decodeError, encodeError } from '../openai-chat/errors.ts'
import { decodeAnswer } from './decode-answer.ts'
import { decodeRequest } from './decode-request.ts'
import { CompletionStreamDecoder } from './decode-stream.ts'
import { encodeAnswer } from './encode-answer.ts'
import { encodeRequest } from './encode-request.ts'
import { CompletionStreamEncoder } from './encode-stream.ts'
import { refuseForeignPrompts } from './prompts.ts'

/** Text completions, as a client speaks them. */
export const openaiCompletionsClient: ClientDialect = {
  name: 'openai-completions',
  decodeRequest,
  checkTranslation: refuseForeignPrompts,
  encodeAnswer,
  streamEncoder: (context) => new CompletionStreamEncoder(context),
  encodeError,
}

/** Text completions, as an upstream speaks them. */
export const openaiCompletionsUpstream: UpstreamDialect = {
  name: 'openai-completions',
  framing: 'sse',
  traits: {
    toolName: { pattern: /^[a-zA-Z0-9_-]+$/, longest: 64 },
    callId: null,
    instructions: 'anywhere',
    alternates: false,
    pairsCalls: false,
    customTools: false,
    checksSeals: false,
    output: { schema: 'none', json: 'none' },
    choices: true,
  },
  encodeRequest,
  decodeAnswer,
  streamDecoder: (context) => new CompletionStreamDecoder(context),
  decodeError,
}
