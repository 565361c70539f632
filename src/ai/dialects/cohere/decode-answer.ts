import type { AnswerFault, ModelAnswer } from '../../ir/answer.ts'
import { FieldProblem, fieldsOf } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { AssistantPart, Citation } from '../../ir/parts.ts'
import { reportUnread } from '../answer-shape.ts'
import type { DecodeContext } from '../dialect.ts'
import { ANSWER } from './answer-shape.ts'
import { decodeCitation } from './citations.ts'
import { decodeError } from './errors.ts'
import { decodeLogprobs } from './logprobs.ts'
import { FINISH_REASONS, isFailure } from './stop-reasons.ts'
import { decodeUsage } from './usage.ts'

/** Reads a whole answer of `/v2/chat`. */
export function decodeAnswer(body: JsonObject, context: DecodeContext): ModelAnswer | AnswerFault {
  if (body['finish_reason'] === undefined) {
    const fault = decodeError(body)
    if (fault !== null) return fault
  }
  const fields = fieldsOf(body, '')
  const id = fields.string('id')
  const word = fields.text('finish_reason')
  if (isFailure(word)) return { message: 'The model failed to answer.', kind: word }
  const message = fields.fields('message')
  if (message === undefined) throw new FieldProblem('message', 'expected an object')
  message.value('role')
  const parts: AssistantPart[] = []
  const contents: AssistantPart[] = []
  for (const item of message.items('content') ?? []) {
    const type = item.string('type')
    if (type === 'thinking') contents.push({ type: 'reasoning', text: item.string('thinking') ?? '' })
    else if (type === 'text') contents.push({ type: 'text', text: item.text('text') })
  }
  const plan = message.string('tool_plan')
  // Thoughts come before the plan, and the plan before what was planned.
  parts.push(...contents.filter(({ type }) => type === 'reasoning'))
  if (plan !== undefined && plan !== '') parts.push({ type: 'text', text: plan })
  parts.push(...contents.filter(({ type }) => type !== 'reasoning'))
  for (const call of message.items('tool_calls') ?? []) {
    const of = call.fields('function')
    parts.push({
      type: 'tool-call',
      id: call.string('id') ?? context.ids.next('call'),
      name: of?.text('name') ?? '',
      arguments: of?.string('arguments') || '{}',
    })
  }
  cite(parts, (message.array('citations') ?? []).filter(isObject).map(decodeCitation))
  reportUnread(body, ANSWER, context.losses)
  const usage = fields.object('usage')
  const logprobs = decodeLogprobs(fields.array('logprobs') ?? [])
  const extra = fields.rest()
  return {
    dialect: 'cohere',
    ...(id !== undefined && { id }),
    choices: [
      {
        index: 0,
        parts,
        stop: { reason: FINISH_REASONS[word] ?? 'other', raw: word },
        ...(logprobs !== null && { logprobs }),
      },
    ],
    ...(usage !== undefined && { usage: decodeUsage(usage) }),
    ...(extra !== undefined && { extra }),
  }
}

/** Citations stand behind the answer's text, which is the last one. */
function cite(parts: AssistantPart[], citations: readonly Citation[]): void {
  const at = parts.findLastIndex(({ type }) => type === 'text')
  const part = parts[at]
  if (part?.type === 'text' && citations.length > 0) parts[at] = { ...part, citations }
}
