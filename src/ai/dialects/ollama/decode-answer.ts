import type { AnswerFault, ModelAnswer } from '../../ir/answer.ts'
import { AnswerAssembler } from '../../ir/assemble.ts'
import { FieldProblem } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { DecodeContext } from '../dialect.ts'
import { AnswerReader } from './answer-reader.ts'

/** A whole answer is a stream of one line: so both are the same by construction. */
export function decodeAnswer(body: JsonObject, context: DecodeContext): ModelAnswer | AnswerFault {
  if (!isObject(body['message']) && body['error'] === undefined) throw new FieldProblem('message', 'expected an object')
  const assembler = new AnswerAssembler('ollama')
  new AnswerReader(context).push(body, assembler.push.bind(assembler))
  const answer = assembler.answer()
  if (answer === null) throw new FieldProblem('done', 'expected an answer that is over')
  return answer
}
