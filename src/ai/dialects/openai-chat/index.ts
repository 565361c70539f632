/*
 * OpenAI's chat completions, written from its API reference and the types of its official clients (2026-11), and from the public
 * documentation of the upstreams that speak the same dialect with differences (Azure, DeepSeek, Groq, Mistral,
 * Moonshot, OpenRouter, Perplexity, Qwen, vLLM). `decode-*` reads the wire, `encode-*` writes it; `spelling.ts`
 * decides how a request is written for one upstream.
 */
import type { ClientDialect, UpstreamDialect } from '../dialect.ts'
import { decodeAnswer } from './decode-answer.ts'
import { decodeRequest } from './decode-request.ts'
import { ChatStreamDecoder } from './decode-stream.ts'
import { encodeAnswer } from './encode-answer.ts'
import { encodeRequest } from './encode-request.ts'
import { ChatStreamEncoder } from './encode-stream.ts'
import { decodeError, encodeError } from './errors.ts'

/** Chat completions, as a client speaks them. */
export const openaiChatClient: ClientDialect = {
  name: 'openai-chat',
  decodeRequest,
  encodeAnswer,
  streamEncoder: (context) => new ChatStreamEncoder(context),
  encodeError,
}

/** Chat completions, as an upstream speaks them. */
export const openaiChatUpstream: UpstreamDialect = {
  name: 'openai-chat',
  framing: 'sse',
  traits: {
    toolName: { pattern: /^[a-zA-Z0-9_-]+$/, longest: 64 },
    callId: { pattern: /^[\x21-\x7e]+$/, longest: 40 },
    instructions: 'anywhere',
    alternates: false,
    pairsCalls: true,
    // The vendor's newer models have them (their endpoints say so); no compatible upstream does.
    customTools: false,
    checksSeals: false,
    choices: true,
  },
  encodeRequest,
  decodeAnswer,
  streamDecoder: (context) => new ChatStreamDecoder(context),
  decodeError,
}
