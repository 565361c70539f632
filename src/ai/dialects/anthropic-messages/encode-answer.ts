import type { ModelAnswer, Stop } from '../../ir/answer.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type { AssistantPart } from '../../ir/parts.ts'
import { AnswerReport } from '../carried-answer.ts'
import type { AnswerContext } from '../dialect.ts'
import { answerBlocks } from './answer-blocks.ts'
import { ANSWER_CARRIES } from './answer-carries.ts'
import { encodeStop, isVagueStop } from './stop-reasons.ts'
import { encodeUsage } from './usage.ts'

/** A whole answer as the API gives it. */
export function encodeAnswer(answer: ModelAnswer, context: AnswerContext): JsonObject {
  const { losses } = context
  const own = answer.dialect === 'anthropic-messages'
  const [choice, ...others] = answer.choices
  new AnswerReport('anthropic-messages', ANSWER_CARRIES, losses).answer(answer)
  if (others.length > 0) losses.drop('n')
  if (choice?.logprobs !== undefined) losses.drop('logprobs')
  if (!own) losses.dropAll('', answer.extra)
  const parts = choice?.parts ?? []
  const stop = choice?.stop ?? { reason: 'other' }
  const body: Record<string, unknown> = {
    id: messageId(answer.id, context.id),
    type: 'message',
    role: 'assistant',
    model: answer.model ?? context.model,
    content: parts.flatMap((part) => answerBlocks(part, own, losses)),
    ...encodeEnd(stop, parts.some(isCall), losses),
    usage: encodeUsage(answer.usage ?? { input: 0, output: 0 }, answer.serviceTier),
  }
  const refusal = parts.find((part) => part.type === 'refusal')
  if (refusal !== undefined) body['stop_details'] = refusalDetails(refusal.text)
  return own ? { ...body, ...answer.extra } : body
}

/** The upstream's own id where it is one of this dialect's; clients look at its prefix. */
export function messageId(id: string | undefined, own: string): string {
  return id?.startsWith('msg_') === true ? id : `msg_${own}`
}

/** `stop_reason` and `stop_sequence`. */
export function encodeEnd(stop: Stop, calls: boolean, losses: Losses): JsonObject {
  if (isVagueStop(stop)) losses.adapt('stop_reason')
  return { stop_reason: encodeStop(stop, calls), stop_sequence: stop.sequence ?? null }
}

/** Where a model that refuses says why. */
export function refusalDetails(text: string): JsonObject {
  return { type: 'refusal', category: null, explanation: text }
}

function isCall(part: AssistantPart): boolean {
  return part.type === 'tool-call'
}

/** The answer of `POST /v1/messages/count_tokens`. */
export function encodeTokenCount(inputTokens: number): JsonObject {
  return { input_tokens: inputTokens }
}
