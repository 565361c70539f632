/**
 * Ollama's native `/api/chat`, as upstreams speak it: one JSON object a line. Start with `encode-request.ts`; the server's
 * own documents are docs/api.md and api/types.go of its repository (2026).
 */
import type { UpstreamDialect } from '../dialect.ts'
import { decodeAnswer } from './decode-answer.ts'
import { OllamaStreamDecoder } from './decode-stream.ts'
import { encodeRequest } from './encode-request.ts'
import { decodeError } from './errors.ts'

export const ollamaUpstream: UpstreamDialect = {
  name: 'ollama',
  framing: 'ndjson',
  traits: {
    toolName: { pattern: /^[A-Za-z0-9_.-]+$/, longest: 64 },
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
  streamDecoder: (context) => new OllamaStreamDecoder(context),
  decodeError,
}
