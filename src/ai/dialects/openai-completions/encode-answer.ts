import type { ModelAnswer } from '../../ir/answer.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type { AssistantPart } from '../../ir/parts.ts'
import { AnswerReport } from '../carried-answer.ts'
import type { AnswerContext } from '../dialect.ts'
import { encodeStop } from '../openai-chat/stop-reasons.ts'
import { encodeUsage } from '../openai-chat/usage.ts'
import { ANSWER_CARRIES } from './answer-carries.ts'
import { encodeLogprobs } from './logprobs.ts'

/** A whole answer for a client. It has text; everything else that a model gave is reported. */
export function encodeAnswer(answer: ModelAnswer, context: AnswerContext): JsonObject {
  const { losses, request } = context
  const own = answer.dialect === 'openai-completions'
  if (!own) losses.dropAll('', answer.extra)
  new AnswerReport('openai-completions', ANSWER_CARRIES, losses).answer(answer)
  return {
    ...(own ? answer.extra : {}),
    id: answerId(answer.id, context),
    object: 'text_completion',
    created: answer.createdAt ?? context.createdAt,
    model: answer.model ?? context.model,
    choices: answer.choices.map(({ index, parts, stop, logprobs }) => ({
      text: parts.map((part) => shownText(part, losses)).join(''),
      index,
      logprobs: request.parameters.logprobs === undefined ? null : encodeLogprobs(logprobs, 0),
      finish_reason: finishReason(encodeStop(stop, { refusal: false, legacy: false }, losses)),
    })),
    ...(answer.usage === undefined ? {} : { usage: encodeUsage(answer.usage, losses) }),
  }
}

export function answerId(id: string | undefined, context: AnswerContext): string {
  return id?.startsWith('cmpl-') === true ? id : `cmpl-${context.id}`
}

/** The dialect has no tools. */
export function finishReason(word: string): string {
  return word === 'tool_calls' ? 'stop' : word
}

/** What of a part the text of an answer shows. */
export function shownText(part: AssistantPart, losses: Losses): string {
  if (part.type === 'text') {
    if (part.citations !== undefined) losses.drop('choices[].annotations')
    return part.text
  }
  if (part.type === 'refusal') {
    losses.adapt('choices[].refusal')
    return part.text
  }
  if (part.type === 'opaque') losses.drop(`choices[].${part.name}`)
  return ''
}
