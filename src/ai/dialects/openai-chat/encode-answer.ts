import type { Choice, ModelAnswer } from '../../ir/answer.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type { AssistantPart, AudioPart, Citation, ToolCallPart } from '../../ir/parts.ts'
import { AnswerReport } from '../carried-answer.ts'
import type { AnswerContext } from '../dialect.ts'
import { ANSWER_CARRIES } from './answer-carries.ts'
import { encodeAnnotation } from './citations.ts'
import { innerOf, ownExtra } from './extra.ts'
import { urlOfSource } from './media.ts'
import { detailsOf, foreignSeal } from './reasoning-details.ts'
import { encodeStop } from './stop-reasons.ts'
import { encodeUsage } from './usage.ts'

/** A whole answer for a client, with the members that the vendor always sends. */
export function encodeAnswer(answer: ModelAnswer, context: AnswerContext): JsonObject {
  const { losses, request } = context
  const own = answer.dialect === 'openai-chat'
  const legacy = request.legacyFunctions === true
  new AnswerReport('openai-chat', ANSWER_CARRIES, losses).answer(answer)
  return {
    ...ownExtra(own, answer.extra, '', losses),
    id: answerId(answer.id, context),
    object: 'chat.completion',
    created: answer.createdAt ?? context.createdAt,
    model: answer.model ?? context.model,
    choices: answer.choices.map((choice) => encodeChoice(choice, { own, legacy, losses })),
    ...(answer.usage === undefined ? {} : { usage: encodeUsage(answer.usage, losses) }),
    ...(answer.serviceTier === undefined ? {} : { service_tier: answer.serviceTier }),
  }
}

/** The upstream's own id where it is one of this dialect: its logs know the answer by it. */
export function answerId(id: string | undefined, context: AnswerContext): string {
  return id?.startsWith('chatcmpl-') === true ? id : `chatcmpl-${context.id}`
}

interface Manner {
  readonly own: boolean
  readonly legacy: boolean
  readonly losses: Losses
}

function encodeChoice({ index, parts, stop, logprobs }: Choice, manner: Manner): JsonObject {
  const refusal = parts.some((part) => part.type === 'refusal')
  const calls = parts.filter((part) => part.type === 'tool-call')
  const called = parts.findIndex((part) => part.type === 'tool-call')
  // What the model said after a call: the dialect has no order between its members.
  if (called >= 0 && parts.slice(called).some((part) => part.type === 'text')) manner.losses.adapt('message.content')
  const cut = stop.reason === 'length' || stop.reason === 'context-length'
  const encoded = calls.map((call) => encodeCall(call, cut, manner))
  const [first] = calls
  const members = manner.legacy
    ? first === undefined
      ? {}
      : { function_call: { name: first.name, arguments: argumentsOf(first, cut) } }
    : encoded.length === 0
      ? {}
      : { tool_calls: encoded }
  if (manner.legacy && calls.length > 1) manner.losses.drop('tool_calls')
  return {
    index,
    message: { role: 'assistant', ...encodeProse(parts, manner), ...encodeThoughts(parts, manner.losses), ...members },
    logprobs: logprobs === undefined ? null : { refusal: null, ...logprobs },
    finish_reason: encodeStop(stop, { refusal, legacy: manner.legacy }, manner.losses),
  }
}

function encodeProse(parts: readonly AssistantPart[], { own, losses }: Manner): JsonObject {
  let content: string | null = null
  let refusal: string | null = null
  let audio: AudioPart | null = null
  const annotations: JsonObject[] = []
  const images: JsonObject[] = []
  for (const part of parts) {
    switch (part.type) {
      case 'text': {
        const at = { offset: content?.length ?? 0, length: part.text.length }
        for (const citation of part.citations ?? []) annotate(annotations, citation, at, losses)
        content = (content ?? '') + part.text
        break
      }
      case 'refusal':
        refusal = (refusal ?? '') + part.text
        break
      case 'audio':
        // The dialect has one sound.
        if (audio !== null) losses.drop('message.audio')
        else audio = part
        break
      case 'image': {
        const url = urlOfSource(part.source)
        if (url === null) losses.drop('message.image')
        else images.push({ type: 'image_url', image_url: { url } })
        break
      }
      case 'opaque':
        losses.drop(`message.${part.name}`)
        break
      case 'reasoning':
      case 'tool-call':
    }
  }
  return {
    content,
    refusal,
    annotations,
    ...(audio === null ? {} : encodeAudio(audio, own, losses)),
    ...(images.length === 0 ? {} : { images }),
  }
}

function annotate(
  into: JsonObject[],
  citation: Citation,
  at: { offset: number; length: number },
  losses: Losses,
): void {
  const annotation = encodeAnnotation(citation, at, losses)
  if (annotation !== null) into.push(annotation)
}

/** The member of a sound that the model made; nothing for one whose bytes are elsewhere. */
export function encodeAudio(part: AudioPart, own: boolean, losses: Losses): JsonObject {
  if (part.source.kind !== 'data') {
    losses.drop('message.audio')
    return {}
  }
  const extra = own ? part.extra : undefined
  return {
    audio: {
      expires_at: 0,
      ...extra,
      id: part.id ?? 'audio',
      data: part.source.base64,
      transcript: part.transcript ?? '',
    },
  }
}

/** Thoughts as text for those who show them, and whole, with their seals, for those who send them back. */
function encodeThoughts(parts: readonly AssistantPart[], losses: Losses): JsonObject {
  let text = ''
  let thoughts = 0
  let call: string | undefined
  const details: JsonObject[] = []
  for (const part of parts) {
    if (part.type === 'tool-call') call = part.id
    if (part.type === 'reasoning') {
      text += part.text
      details.push(...detailsOf(part, thoughts++, call))
    }
  }
  for (const part of parts) {
    if ((part.type !== 'text' && part.type !== 'tool-call') || part.signature === undefined) continue
    if (part.signature.family !== 'gemini') losses.drop('message.tool_call.signature')
    else details.push(foreignSeal(part.signature, thoughts++, part.type === 'tool-call' ? part.id : undefined))
  }
  return {
    ...(text === '' ? {} : { reasoning_content: text }),
    ...(details.length === 0 ? {} : { reasoning_details: details }),
  }
}

function encodeCall(call: ToolCallPart, cut: boolean, { own }: Manner): JsonObject {
  return callMembers(call, call.custom === true ? call.arguments : argumentsOf(call, cut), own)
}

/** A call with its arguments, or as much of them as is known. */
export function callMembers({ id, name, custom, extra }: ToolCallPart, text: string, own: boolean): JsonObject {
  const kept = own ? extra : undefined
  if (custom === true) {
    return { ...kept, id, type: 'custom', custom: { ...innerOf(kept, 'custom'), name, input: text } }
  }
  return { ...kept, id, type: 'function', function: { ...innerOf(kept, 'function'), name, arguments: text } }
}

/** Clients parse the arguments: a call without any has an empty object, unless it was cut. */
function argumentsOf(call: ToolCallPart, cut: boolean): string {
  return call.arguments === '' && !cut ? '{}' : call.arguments
}
