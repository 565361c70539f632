/*
 * OpenAI's Responses, written from its API reference and the types of its official clients (2026-11). `decode-output.ts` reads what a
 * model made, wherever it stands; `output-items.ts` writes it, whole or event by event; `response-object.ts` is what stands
 * around it.
 */
import type { ClientDialect, UpstreamDialect } from '../dialect.ts'
import { decodeAnswer } from './decode-answer.ts'
import { decodeRequest } from './decode-request.ts'
import { ResponsesDecoder } from './decode-stream.ts'
import { encodeAnswer } from './encode-answer.ts'
import { encodeRequest } from './encode-request.ts'
import { ResponsesEncoder } from './encode-stream.ts'
import { decodeError, encodeError } from './errors.ts'
import { PREFIX } from './seals.ts'

/** Responses, as a client speaks them. */
export const openaiResponsesClient: ClientDialect = {
  name: 'openai-responses',
  foreignSeals: [`"${PREFIX}`],
  decodeRequest,
  encodeAnswer,
  streamEncoder: (context) => new ResponsesEncoder(context),
  encodeError,
}

/** Responses, as an upstream speaks them. */
export const openaiResponsesUpstream: UpstreamDialect = {
  name: 'openai-responses',
  framing: 'sse',
  traits: {
    toolName: { pattern: /^[a-zA-Z0-9_-]+$/, longest: 64 },
    callId: { pattern: /^[\x21-\x7e]+$/, longest: 64 },
    instructions: 'anywhere',
    alternates: false,
    pairsCalls: true,
    customTools: true,
    namespaces: true,
    checksSeals: false,
    choices: false,
  },
  encodeRequest,
  decodeAnswer,
  streamDecoder: (context) => new ResponsesDecoder(context),
  decodeError,
}
