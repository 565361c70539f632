import type { AnswerFault, Choice, ModelAnswer } from '../../ir/answer.ts'
import { type Fields, fieldsOf } from '../../ir/fields.ts'
import type { JsonObject } from '../../ir/json.ts'
import { reportUnread } from '../answer-shape.ts'
import type { DecodeContext } from '../dialect.ts'
import { decodeError } from '../openai-chat/errors.ts'
import { decodeStop } from '../openai-chat/stop-reasons.ts'
import { decodeUsage, servedAs } from '../openai-chat/usage.ts'
import { COMPLETION } from './answer-shape.ts'
import { decodeLogprobs } from './logprobs.ts'

/** A whole answer. Throws a FieldProblem for what is none. */
export function decodeAnswer(body: JsonObject, context: DecodeContext): ModelAnswer | AnswerFault {
  const fault = decodeError(body)
  if (fault !== null) return fault
  const fields = fieldsOf(body, '')
  const choices = fields.items('choices')
  if (choices === undefined || choices.length === 0) throw fields.problem('choices', 'an array with an answer')
  reportUnread(body, COMPLETION, context.losses)
  for (const name of Object.keys(COMPLETION)) fields.value(name)
  const answer: ModelAnswer = {
    dialect: 'openai-completions',
    id: fields.string('id'),
    model: fields.string('model'),
    createdAt: fields.number('created'),
    choices: choices.map(decodeChoice),
    usage: servedAs(decodeUsage(fields.value('usage')), body['service_tier']) ?? undefined,
  }
  const extra = fields.rest()
  return extra === undefined ? answer : { ...answer, extra }
}

function decodeChoice(choice: Fields, at: number): Choice {
  const text = choice.text('text')
  const index = choice.integer('index') ?? at
  const stop = decodeStop(choice.string('finish_reason') ?? null, [], choice.value('stop_reason'))
  const logprobs = decodeLogprobs(choice.value('logprobs'))
  return { index, parts: text === '' ? [] : [{ type: 'text', text }], stop, logprobs }
}
