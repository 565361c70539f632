import type { Choice, ModelAnswer, TokenUsage } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type { AssistantPart, Citation } from '../../ir/parts.ts'
import { AnswerReport } from '../carried-answer.ts'
import type { AnswerContext } from '../dialect.ts'
import { ANSWER_CARRIES } from './answer-carries.ts'
import { encodeCitations } from './citations.ts'
import { merged } from './encode-config.ts'
import { encodeModelPart, type PartContext } from './encode-parts.ts'
import { encodeLogprobs } from './logprobs.ts'
import { writeSeal } from './seals.ts'
import { encodeStop, isVagueStop } from './stop-reasons.ts'
import { encodeUsage } from './usage.ts'

/** `GenerateContentResponse` for a client. */
export function encodeAnswer(answer: ModelAnswer, context: AnswerContext): JsonObject {
  const own = ownExtra(answer.dialect, answer.extra, context)
  new AnswerReport('gemini', ANSWER_CARRIES, context.losses).answer(answer)
  return {
    candidates: answer.choices.map((choice, at) =>
      merged(encodeChoice(choice, answer, context), own.candidates[at] ?? {}),
    ),
    ...(answer.usage !== undefined && { usageMetadata: usageMetadata(answer.usage, answer.serviceTier) }),
    modelVersion: answer.model ?? context.model,
    responseId: answer.id ?? context.id,
    ...(answer.createdAt !== undefined && { createTime: new Date(answer.createdAt * 1000).toISOString() }),
    ...own.members,
  }
}

export interface OwnExtra {
  readonly members: JsonObject
  /** Of each candidate, in order. */
  readonly candidates: readonly JsonObject[]
}

/** Members that only this dialect knows, when they are its own; otherwise they are reported. */
export function ownExtra(
  dialect: ModelAnswer['dialect'] | null,
  extra: JsonObject | undefined,
  { losses }: AnswerContext,
): OwnExtra {
  if (extra === undefined || dialect !== 'gemini') {
    losses.dropAll('', extra)
    return { members: {}, candidates: [] }
  }
  const { candidates, ...members } = extra
  return {
    members,
    candidates: Array.isArray(candidates) ? candidates.map((item) => (isObject(item) ? item : {})) : [],
  }
}

function encodeChoice(choice: Choice, answer: ModelAnswer, context: AnswerContext): JsonObject {
  const reader = answerPartContext(answer.dialect, context)
  const parts: JsonObject[] = []
  const sources = new Sources()
  for (const part of choice.parts) {
    if (part.type === 'text') sources.add(part.text, part.citations)
    const encoded = encodeModelPart(shown(part, context), reader)
    if (encoded !== null) parts.push(encoded)
  }
  if (choice.stop.sequence !== undefined) context.losses.drop('choices[].stop.sequence')
  return candidate(choice, parts, sources, context.losses)
}

/** One candidate that is over; clients look for a part, so that there is always one. */
export function candidate(
  { index, stop, logprobs }: Omit<Choice, 'parts'>,
  parts: readonly JsonObject[],
  sources: Sources,
  losses: Losses,
): JsonObject {
  const result = logprobs === undefined ? null : encodeLogprobs(logprobs)
  if (isVagueStop(stop)) losses.adapt('candidates[].finishReason')
  return {
    content: { role: 'model', parts: parts.length > 0 ? parts : [{ text: '' }] },
    finishReason: encodeStop(stop),
    index,
    ...sources.encode(losses),
    ...(result !== null && { logprobsResult: result }),
  }
}

/** The sources of all texts of a candidate; places are counted in its whole text. */
export class Sources {
  #text = ''
  #citations: Citation[] = []

  add(text: string, citations: readonly Citation[] | undefined): void {
    const before = this.#text.length
    this.#text += text
    for (const citation of citations ?? []) {
      const { start, end } = citation
      this.#citations.push({
        ...citation,
        ...(start !== undefined && { start: start + before }),
        ...(end !== undefined && { end: end + before }),
      })
    }
  }

  encode(losses: Losses): JsonObject {
    return this.#citations.length === 0 ? {} : { ...encodeCitations(this.#citations, this.#text, losses) }
  }
}

/** Answers carry the seals of every family: their client sends them back as they are. */
export function answerPartContext(dialect: PartContext['dialect'], { losses }: AnswerContext): PartContext {
  return {
    dialect,
    thirdGeneration: true,
    losses,
    seal: (seal, _, itemId) => (seal === undefined ? null : writeSeal({ seal, holdsThought: false, itemId })),
    sealed: (seal, itemId) => writeSeal({ seal, holdsThought: true, itemId }),
  }
}

/** Thoughts are shown to clients that asked for them; of others only the seal goes out, which has to come back. */
export function showsThoughts({ request }: AnswerContext): boolean {
  const summary = request.parameters.reasoning?.summary
  return request.dialect !== 'gemini' || (summary !== undefined && summary !== 'none')
}

function shown(part: AssistantPart, context: AnswerContext): AssistantPart {
  return part.type === 'reasoning' && !showsThoughts(context) ? { ...part, text: '' } : part
}

const TIERS: Readonly<Record<string, string>> = { default: 'standard', flex: 'flex', priority: 'priority' }

export function usageMetadata(usage: TokenUsage, tier: string | undefined): JsonObject {
  const word = tier === undefined ? undefined : TIERS[tier]
  return { ...encodeUsage(usage), ...(word !== undefined && { serviceTier: word }) }
}
