/*
 * Amazon Bedrock's Converse dialect, as upstreams speak it: POST /model/{id}/converse and /converse-stream. Written from the
 * API reference of Amazon Bedrock Runtime ("Converse", "ConverseStream" and their types, 2026) and the user guide's pages on reasoning,
 * tools and prompt caching. Bytes are base64 in its JSON. Start with `encode-request.ts`.
 */

import { isObject } from '../../ir/json.ts'
import { leastCached } from '../anthropic-messages/cache.ts'
import { isHoldable } from '../anthropic-messages/output-schema.ts'
import type { UpstreamDialect } from '../dialect.ts'
import { decodeAnswer } from './decode-answer.ts'
import { ConverseDecoder } from './decode-stream.ts'
import { encodeRequest } from './encode-request.ts'
import { decodeError } from './errors.ts'

export { errorKind } from './errors.ts'

export const converseUpstream: UpstreamDialect = {
  name: 'bedrock-converse',
  framing: 'aws-event-stream',
  traits: {
    toolName: { pattern: /^[a-zA-Z0-9_-]+$/, longest: 64 },
    callId: { pattern: /^[a-zA-Z0-9_-]+$/, longest: 64 },
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
  limitOf: ({ inferenceConfig }) => (isObject(inferenceConfig) ? inferenceConfig['maxTokens'] : undefined),
  decodeAnswer,
  streamDecoder: (context) => new ConverseDecoder(context),
  decodeError,
}
