import type { AnswerFault, ModelAnswer } from '../../ir/answer.ts'
import { AnswerAssembler } from '../../ir/assemble.ts'
import { FieldProblem } from '../../ir/fields.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { DecodeContext } from '../dialect.ts'
import { AnswerReader } from './answer-reader.ts'
import { camelMembers } from './spelling.ts'

/** A whole answer is a stream of one chunk: so both are the same by construction. */
export function decodeAnswer(body: JsonObject, context: DecodeContext): ModelAnswer | AnswerFault {
  const reader = new AnswerReader(context)
  const assembler = new AnswerAssembler('gemini')
  const emit = assembler.push.bind(assembler)
  const complete = reader.push(camelMembers(withFinish(body)), emit) && reader.close(emit)
  const answer = assembler.answer()
  if (answer === null || (!complete && !('message' in answer))) {
    throw new FieldProblem('candidates', 'expected an answer of Gemini: candidates, or why there are none')
  }
  return answer
}

/** A whole answer is over, whether or not it says why. */
function withFinish(body: JsonObject): JsonObject {
  const { candidates } = body
  if (!Array.isArray(candidates) || candidates.length === 0) return body
  return { ...body, candidates: candidates.map((item: unknown) => ({ finishReason: 'OTHER', ...Object(item) })) }
}
