import type { AnswerFault, Choice, ModelAnswer } from '../../ir/answer.ts'
import { type Fields, fieldsOf } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { wordOf } from '../../ir/lax.ts'
import type { AssistantPart, Citation } from '../../ir/parts.ts'
import { reportUnread } from '../answer-shape.ts'
import type { DecodeContext } from '../dialect.ts'
import { COMPLETION } from './answer-shape.ts'
import { decodeAssistant } from './assistant.ts'
import { decodeSources } from './citations.ts'
import { decodeError } from './errors.ts'
import { decodeStop } from './stop-reasons.ts'
import { decodeUsage, servedAs } from './usage.ts'

/** A whole answer. Throws a FieldProblem for what is none. */
export function decodeAnswer(body: JsonObject, context: DecodeContext): ModelAnswer | AnswerFault {
  const choices = body['choices']
  const fault = decodeError(body)
  if (fault !== null && !(Array.isArray(choices) && choices.length > 0)) return fault
  const fields = fieldsOf(body, '')
  const read = fields.items('choices')
  if (read === undefined || read.length === 0) throw fields.problem('choices', 'an array with an answer')
  for (const choice of read) {
    const error = choice.value('error')
    const failed = isObject(error) ? decodeError({ error }) : null
    if (failed !== null) return failed
  }
  const sources = decodeSources(fields.value('citations'), fields.value('search_results'))
  const answer: ModelAnswer = {
    dialect: 'openai-chat',
    id: wordOf(fields.value('id')),
    model: wordOf(fields.value('model')),
    createdAt: timeOf(fields.value('created')),
    choices: read.map((choice, at) => decodeChoice(choice, at, sources, context)),
    usage: servedAs(decodeUsage(fields.value('usage')), body['service_tier']) ?? undefined,
    serviceTier: wordOf(fields.value('service_tier')),
  }
  reportUnread(body, COMPLETION, context.losses)
  const extra = extraOf(body)
  return extra === undefined ? answer : { ...answer, extra }
}

function decodeChoice(choice: Fields, at: number, sources: readonly Citation[], context: DecodeContext): Choice {
  const message = choice.fields('message')
  if (message === undefined) throw choice.problem('message', 'an object')
  const raw = choice.string('finish_reason') ?? null
  const parts = finished(
    decodeAssistant(message, () => context.ids.next('call')),
    raw,
    sources,
  )
  const stop = decodeStop(raw, parts, choice.value('stop_reason'))
  const logprobs = logprobsOf(choice.value('logprobs'))
  const index = choice.integer('index') ?? at
  return { index, parts, stop, logprobs }
}

/** One text for neighbouring texts, as a stream of the same answer has it; arguments that are an object's text. */
function finished(parts: readonly AssistantPart[], raw: string | null, sources: readonly Citation[]): AssistantPart[] {
  const out: AssistantPart[] = []
  for (const part of parts) {
    const before = out.at(-1)
    if (part.type === 'text' && part.text === '') continue
    if (part.type === 'text' && before?.type === 'text') {
      out[out.length - 1] = { ...before, text: before.text + part.text }
    } else if (part.type === 'tool-call' && part.arguments === '' && part.custom !== true && raw !== 'length') {
      out.push({ ...part, arguments: '{}' })
    } else out.push(part)
  }
  const text = out.find((part) => part.type === 'text')
  if (sources.length > 0 && text?.type === 'text' && text.citations === undefined) {
    out[out.indexOf(text)] = { ...text, citations: sources }
  }
  return out
}

/** Members of an answer that its table does not name. */
function extraOf(body: JsonObject): JsonObject | undefined {
  const names = Object.keys(body).filter((name) => !Object.hasOwn(COMPLETION, name) && body[name] !== null)
  return names.length === 0 ? undefined : Object.fromEntries(names.map((name) => [name, body[name]]))
}

/** Log probabilities of the text, and of a refusal where there are any. */
export function logprobsOf(value: unknown): JsonObject | undefined {
  if (!isObject(value) || !Array.isArray(value['content']) || value['content'].length === 0) return undefined
  return { content: value['content'] }
}

function timeOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.trunc(value) : undefined
}
