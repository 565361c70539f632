import type { AnswerFault, ModelAnswer } from '../../ir/answer.ts'
import { FieldProblem, Fields } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { reportUnread } from '../answer-shape.ts'
import type { DecodeContext } from '../dialect.ts'
import { ANSWER } from './answer-shape.ts'
import { decodeBlocks } from './decode-parts.ts'
import { decodeError } from './errors.ts'
import { decodeStop } from './stop-reasons.ts'
import { decodeTier, usageOfAnswer } from './usage.ts'

/** The answer of `POST /model/{id}/converse`. It names neither itself nor its model. */
export function decodeAnswer(body: JsonObject, context: DecodeContext): ModelAnswer | AnswerFault {
  const fields = new Fields(body, '')
  const output = fields.object('output')
  if (output === undefined) {
    const fault = decodeError(body)
    if (fault !== null) return fault
    throw new FieldProblem('output', 'expected an object')
  }
  const message = isObject(output['message']) ? output['message'] : {}
  const content = new Fields(message, 'output.message').array('content')
  if (content === undefined) throw new FieldProblem('output.message.content', 'expected an array')
  reportUnread(body, ANSWER, context.losses)
  fields.value('usage')
  fields.value('metrics') // how long it took there: nothing that a client is told
  return {
    dialect: 'bedrock-converse',
    choices: [
      {
        index: 0,
        parts: decodeBlocks(content, 'output.message.content', context),
        stop: decodeStop(fields.value('stopReason'), body['additionalModelResponseFields']),
      },
    ],
    usage: usageOfAnswer(body) ?? undefined,
    serviceTier: decodeTier(fields.value('serviceTier')),
    extra: fields.rest(),
  }
}
