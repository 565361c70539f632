import type { AnswerFault, ModelAnswer } from '../../ir/answer.ts'
import { Fields, fieldsOf } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { wordOf } from '../../ir/lax.ts'
import type { AssistantPart } from '../../ir/parts.ts'
import { reportUnread } from '../answer-shape.ts'
import type { DecodeContext } from '../dialect.ts'
import { RESPONSE } from './answer-shape.ts'
import { OutputReader } from './decode-output.ts'
import { decodeError } from './errors.ts'
import { decodeStop } from './stop-reasons.ts'
import { usageOfAnswer } from './usage.ts'

/** A whole answer. Throws a FieldProblem for what is none. */
export function decodeAnswer(body: JsonObject, context: DecodeContext): ModelAnswer | AnswerFault {
  const fault = faultOf(body)
  if (fault !== null) return fault
  const fields = fieldsOf(body, '')
  const items = fields.array('output')
  if (items === undefined) throw fields.problem('output', 'an array')
  reportUnread(body, RESPONSE, context.losses)
  const reader = new OutputReader(() => context.ids.next('call'))
  const parts: AssistantPart[] = []
  for (const [at, value] of items.entries()) {
    if (isObject(value)) parts.push(...reader.read(value, new Fields(value, `output[${at}]`)))
  }
  const logprobs = logprobsOf(items)
  const start = startOf(body)
  return {
    dialect: 'openai-responses',
    ...start,
    choices: [
      {
        index: 0,
        parts,
        stop: decodeStop(body, parts),
        logprobs: logprobs.length === 0 ? undefined : { content: logprobs },
      },
    ],
    usage: usageOfAnswer(body) ?? undefined,
    extra: extraOf(body),
  }
}

/** Why an answer is none: it failed, was cancelled, or is still being worked on. */
export function faultOf(body: JsonObject): AnswerFault | null {
  const fault = decodeError(body)
  if (fault !== null) return fault
  switch (body['status']) {
    case 'failed':
    case 'cancelled':
    case 'queued':
    case 'in_progress':
      return { message: `The upstream's answer is ${body['status']}.`, kind: body['status'] }
    default:
      return null
  }
}

/** What an answer says of itself before its output. */
export function startOf(body: JsonObject) {
  const { created_at: created } = body
  return {
    id: wordOf(body['id']),
    model: wordOf(body['model']),
    createdAt: typeof created === 'number' && Number.isFinite(created) && created > 0 ? Math.trunc(created) : undefined,
    serviceTier: wordOf(body['service_tier']),
  }
}

/** Members that nobody here knows. */
export function extraOf(body: JsonObject): JsonObject | undefined {
  const fields = new Fields(body, '')
  for (const name of Object.keys(RESPONSE)) fields.value(name)
  return fields.rest()
}

/** Token probabilities of all texts, in order: they are those of the chat dialect. */
export function logprobsOf(items: readonly unknown[]): unknown[] {
  const all: unknown[] = []
  for (const item of items) {
    const content = isObject(item) ? item['content'] : undefined
    if (!Array.isArray(content)) continue
    for (const part of content) {
      const logprobs = isObject(part) ? part['logprobs'] : undefined
      if (Array.isArray(logprobs)) all.push(...logprobs)
    }
  }
  return all
}
