/*
 * Replicate's predictions, as an upstream of text models: one prompt in, text out. Written from its HTTP reference and its
 * pages on streaming (replicate.com/docs, 2026). Each model there has a schema of its own; the names used here are those of
 * most language models. Tools, pictures and structured output have no place in a prompt: they are refused or reported.
 * Creating, waiting and following the stream is `providers/predictions-transport.ts`; here is what goes in and comes out.
 */
import type { AnswerFault, ModelAnswer } from '../../ir/answer.ts'
import { FieldProblem } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { tokenCount } from '../../ir/token-count.ts'
import { reportUnread } from '../answer-shape.ts'
import type { DecodeContext, UpstreamDialect } from '../dialect.ts'
import { PREDICTION } from './answer-shape.ts'
import { PredictionStreamDecoder } from './decode-stream.ts'
import { encodeRequest } from './encode-request.ts'

export const replicateUpstream: UpstreamDialect = {
  name: 'replicate',
  framing: 'sse',
  traits: {
    toolName: { pattern: /^[a-zA-Z0-9_-]+$/, longest: 64 },
    callId: null,
    instructions: 'leading',
    alternates: false,
    pairsCalls: false,
    customTools: false,
    checksSeals: false,
    output: { schema: 'none', json: 'none' },
    choices: false,
  },
  encodeRequest,
  decodeAnswer,
  streamDecoder: () => new PredictionStreamDecoder(),
  decodeError,
}

/** A prediction that has ended. Its output is a text, or the pieces of one. */
function decodeAnswer(body: JsonObject, { losses }: DecodeContext): ModelAnswer | AnswerFault {
  const { id, status, output, error, metrics } = body
  if (status !== 'succeeded') {
    return { message: typeof error === 'string' && error !== '' ? error : `The prediction ${String(status)}.` }
  }
  const pieces: unknown[] = Array.isArray(output) ? output : [output]
  if (!pieces.every((piece) => typeof piece === 'string')) throw new FieldProblem('output', 'expected a text')
  reportUnread(body, PREDICTION, losses)
  const text = pieces.join('')
  const usage = isObject(metrics) ? usageOf(metrics) : null
  return {
    dialect: 'replicate',
    ...(typeof id === 'string' && { id }),
    choices: [{ index: 0, parts: text === '' ? [] : [{ type: 'text', text }], stop: { reason: 'end', raw: status } }],
    ...(usage !== null && { usage }),
  }
}

function usageOf(metrics: JsonObject) {
  const [input, output] = [tokenCount(metrics['input_token_count']), tokenCount(metrics['output_token_count'])]
  return input !== undefined && output !== undefined ? { input, output } : null
}

function decodeError(body: JsonObject): AnswerFault | null {
  const { detail, title } = body
  const message = typeof detail === 'string' && detail !== '' ? detail : title
  return typeof message === 'string' ? { message } : null
}
