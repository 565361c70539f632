import type { JsonObject } from '../../ir/json.ts'
import type { ModelRequest } from '../../ir/request.ts'
import type { EncodeContext } from '../dialect.ts'
import type { TokenCountDialect } from '../token-counts.ts'
import { decodeRequest } from './decode-request.ts'
import { encodeRequest } from './encode-request.ts'

/** What the vendor takes of a request to count it (API reference, "Get input token counts", 2026-11). */
const COUNTED = [
  'model',
  'input',
  'instructions',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'reasoning',
  'text',
  'truncation',
] as const

/** Kinds that count, or may (their API references, 2026-11). */
const KINDS: ReadonlySet<string> = new Set(['openai', 'azure-openai', 'azure-foundry', 'openai-compatible', 'litellm'])

/** The body that asks how many tokens a request has. */
function encodeInputTokens(request: ModelRequest, context: EncodeContext): JsonObject {
  const body = encodeRequest(request, context)
  return Object.fromEntries(COUNTED.flatMap((name) => (body[name] === undefined ? [] : [[name, body[name]]])))
}

function encodeInputTokensAnswer(tokens: number): JsonObject {
  return { object: 'response.input_tokens', input_tokens: tokens }
}

/** How many tokens an upstream counted; null when the answer does not say it. */
function decodeInputTokens({ input_tokens: tokens }: JsonObject): number | null {
  return typeof tokens === 'number' && Number.isSafeInteger(tokens) && tokens >= 0 ? tokens : null
}

/** `POST /v1/responses/input_tokens`. */
export const responsesCounts: TokenCountDialect = {
  kinds: KINDS,
  decodeRequest,
  encodeAnswer: encodeInputTokensAnswer,
  path: (path) => path.replace(/\/responses(?=\?|$)/, '/responses/input_tokens'),
  encodeRequest: encodeInputTokens,
  decodeAnswer: decodeInputTokens,
}
