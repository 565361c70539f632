import type { ModelAnswer } from '../../ir/answer.ts'
import { eventsOf } from '../../ir/disassemble.ts'
import type { JsonObject } from '../../ir/json.ts'
import { AnswerReport } from '../carried-answer.ts'
import type { AnswerContext } from '../dialect.ts'
import { ownExtra } from '../openai-chat/extra.ts'
import { ANSWER_CARRIES } from './answer-carries.ts'
import { OutputItems } from './output-items.ts'
import { responseObject } from './response-object.ts'
import { encodeStop } from './stop-reasons.ts'
import { encodeUsage } from './usage.ts'

/** A whole answer for a client: what the last event of its stream would hold. */
export function encodeAnswer(answer: ModelAnswer, context: AnswerContext): JsonObject {
  const { losses } = context
  const output = new OutputItems(context, unheard)
  output.own = answer.dialect === 'openai-responses'
  const [choice] = answer.choices
  new AnswerReport('openai-responses', ANSWER_CARRIES, losses).answer(answer)
  if (answer.choices.length > 1) losses.drop('n')
  if (choice === undefined) return { ...responseObject(answer, context), status: 'completed' }
  for (const event of eventsOf({ ...answer, choices: [choice] })) {
    if (event.type === 'part-start') output.start(event.index, event.part)
    else if (event.type === 'part-delta') output.text(event.index, event.text)
    else if (event.type === 'part-end') output.end(event.index)
    else if (event.type === 'logprobs') {
      const content = event.logprobs['content']
      if (Array.isArray(content)) output.logprobs(content)
    }
  }
  output.finish(choice.stop)
  return {
    ...ownExtra(output.own, answer.extra, '', losses),
    ...responseObject(answer, context),
    ...encodeStop(choice.stop, output.refused, losses),
    output: output.items,
    usage: answer.usage === undefined ? null : encodeUsage(answer.usage, losses),
  }
}

function unheard(): void {
  // Nobody listens to the events of a whole answer.
}
