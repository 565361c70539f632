import type { AnswerFault, ModelAnswer, Stop } from '../../ir/answer.ts'
import { FieldProblem, Fields } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { leftOver } from '../../ir/losses.ts'
import type { RefusalPart } from '../../ir/parts.ts'
import { reportUnread } from '../answer-shape.ts'
import type { DecodeContext } from '../dialect.ts'
import { MESSAGE } from './answer-shape.ts'
import { decodeAssistantBlocks } from './decode-parts.ts'
import { decodeError } from './errors.ts'
import { decodeStop } from './stop-reasons.ts'
import { decodeTier, decodeUsage } from './usage.ts'

/** A whole `message` of the API. */
export function decodeAnswer(body: JsonObject, { losses }: DecodeContext): ModelAnswer | AnswerFault {
  if (body['type'] === 'error') {
    const fault = decodeError(body)
    if (fault !== null) return fault
  }
  const fields = new Fields(body, '')
  const content = fields.array('content')
  if (content === undefined) throw new FieldProblem('content', 'expected an array')
  reportUnread(body, MESSAGE, losses)
  for (const name of ['type', 'role']) fields.value(name)
  const id = fields.string('id')
  const model = fields.string('model')
  const stop: Stop = decodeStop(fields.value('stop_reason'), fields.value('stop_sequence'))
  const usage = fields.object('usage')
  const parts = decodeAssistantBlocks(content, 'content')
  const refusal = decodeRefusal(body['stop_details'])
  return {
    dialect: 'anthropic-messages',
    id,
    model,
    choices: [{ index: 0, parts: refusal === null ? parts : [...parts, refusal], stop }],
    usage: usage === undefined ? undefined : decodeUsage(usage),
    serviceTier: decodeTier(usage?.['service_tier']),
    extra: withRefusal(fields.rest()),
  }
}

/** Of the details of a refusal, the explanation is told as the model's refusal. */
export function withRefusal(extra: JsonObject | undefined): JsonObject | undefined {
  const details = extra?.['stop_details']
  if (decodeRefusal(details) !== null && isObject(details)) leftOver(details, EXPLAINED)
  return extra
}

const EXPLAINED: ReadonlySet<string> = new Set(['type', 'explanation'])

/** What `stop_details` tell of a refusal, for clients whose dialect shows it. */
export function decodeRefusal(details: unknown): RefusalPart | null {
  const text = isObject(details) ? details['explanation'] : undefined
  return typeof text === 'string' && text !== '' ? { type: 'refusal', text } : null
}

/** The answer of `POST /v1/messages/count_tokens`. */
export function decodeTokenCount(body: JsonObject): number {
  const count = new Fields(body, '').integer('input_tokens')
  if (count === undefined) throw new FieldProblem('input_tokens', 'expected a whole number')
  return count
}
