import type { JsonObject } from '../../ir/json.ts'
import type { AudioPart, ReasoningPart, TextPart, ToolCallPart } from '../../ir/parts.ts'
import type { AssistantMessage } from '../../ir/request.ts'
import { encodeTexts } from './encode-parts.ts'
import { innerOf, ownExtra } from './extra.ts'
import { detailsOf, foreignSeal } from './reasoning-details.ts'
import type { Spelling } from './spelling.ts'

/** An assistant's message of the history. The dialect has no order between its kinds of parts. */
export function encodeAssistantMessage(message: AssistantMessage, spelling: Spelling): JsonObject {
  const { losses } = spelling
  const texts: TextPart[] = []
  const thoughts: ReasoningPart[] = []
  const calls: ToolCallPart[] = []
  const opaque: JsonObject[] = []
  let refusal: string | null = null
  let audio: AudioPart | null = null
  for (const part of message.parts) {
    switch (part.type) {
      case 'text':
        if (calls.length > 0) losses.adapt('messages[].content')
        texts.push(part)
        break
      case 'reasoning':
        thoughts.push(part)
        break
      case 'tool-call':
        calls.push(part)
        break
      case 'refusal':
        // Only the vendor knows the member; elsewhere a refusal is what the assistant said.
        if (spelling.vendor || spelling.own) refusal = (refusal ?? '') + part.text
        else {
          losses.adapt('messages[].refusal')
          texts.push({ type: 'text', text: part.text })
        }
        break
      case 'audio':
        // Only the vendor knows a sound by its name.
        if (part.id === undefined || !spelling.own) losses.drop('messages[].audio')
        else audio = part
        break
      case 'image':
        losses.drop('messages[].image')
        break
      case 'opaque':
        if (part.dialect === 'openai-chat') opaque.push(part.value)
        else losses.drop(`messages[].${part.name}`)
    }
  }
  const parts = texts.length === 0 && opaque.length === 0 ? null : encodeTexts(texts, '', spelling)
  const content =
    opaque.length === 0 ? parts : [...(typeof parts === 'string' ? asParts(parts) : (parts ?? [])), ...opaque]
  const silent = calls.length > 0 || refusal !== null || audio !== null
  return {
    ...ownExtra(spelling.own, message.extra, 'messages[]', losses),
    role: 'assistant',
    content: content ?? (silent ? null : ''),
    ...encodeThoughts(thoughts, message, spelling),
    ...(message.name === undefined ? {} : { name: message.name }),
    ...(refusal === null ? {} : { refusal }),
    ...(audio === null ? {} : { audio: { ...audio.extra, id: audio.id } }),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map((call) => encodeCall(call, spelling)) }),
  }
}

function asParts(text: string): JsonObject[] {
  return text === '' ? [] : [{ type: 'text', text }]
}

function encodeCall(call: ToolCallPart, spelling: Spelling): JsonObject {
  const { losses } = spelling
  const extra = ownExtra(spelling.own, call.extra, 'messages[].tool_call', losses)
  if (call.custom === true) {
    const custom = { ...innerOf(extra, 'custom'), name: call.name, input: call.arguments }
    return { ...extra, id: call.id, type: 'custom', custom }
  }
  const text = call.arguments === '' ? '{}' : call.arguments
  const { signature } = call
  const signed = signature?.family === 'gemini' && spelling.family === 'gemini'
  if (signature !== undefined && !signed) losses.drop('messages[].tool_call.signature')
  const beside = signed && spelling.reasoningReplay !== 'reasoning_details'
  return {
    ...extra,
    id: call.id,
    type: 'function',
    function: { ...innerOf(extra, 'function'), name: call.name, arguments: text },
    ...(beside ? { extra_content: { google: { thought_signature: signature.value } } } : {}),
  }
}

function encodeThoughts(thoughts: readonly ReasoningPart[], message: AssistantMessage, spelling: Spelling): JsonObject {
  const { losses, reasoningReplay: replay } = spelling
  const signed = message.parts.flatMap((part) => (part.type === 'text' ? (part.signature ?? []) : []))
  const told = replay === 'reasoning_details' && spelling.family === 'gemini'
  if (!signed.every(({ family }) => told && family === 'gemini')) losses.drop('messages[].text.signature')
  if (replay === 'reasoning_details') {
    const details = thoughts.flatMap((thought, index) => detailsOf(ownSeals(thought, spelling), index))
    for (const part of message.parts) {
      if (part.type !== 'text' && part.type !== 'tool-call') continue
      const { signature } = part
      if (signature?.family !== 'gemini' || spelling.family !== 'gemini') continue
      details.push(foreignSeal(signature, details.length, part.type === 'tool-call' ? part.id : undefined))
    }
    return details.length === 0 ? {} : { reasoning_details: details }
  }
  if (thoughts.length === 0) return {}
  if (replay === 'none') {
    losses.drop('messages[].reasoning')
    return {}
  }
  if (thoughts.some((thought) => thought.signature !== undefined || thought.sealed !== undefined)) {
    losses.drop('messages[].reasoning.signature')
  }
  const text = thoughts.map((thought) => thought.text).join('')
  return text === '' ? {} : { [replay]: text }
}

/** Seals of another family than the model's cannot be read there. */
function ownSeals(thought: ReasoningPart, { family, losses }: Spelling): ReasoningPart {
  const { signature, sealed } = thought
  const own = (seal: typeof signature) => seal === undefined || seal.family === family
  if (own(signature) && own(sealed)) return thought
  losses.drop('messages[].reasoning.signature')
  return { ...thought, signature: own(signature) ? signature : undefined, sealed: own(sealed) ? sealed : undefined }
}
