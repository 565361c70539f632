import type { JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type { AssistantPart, ReasoningPart, TextPart, ToolResultPart, UserPart } from '../../ir/parts.ts'
import { argumentsObject } from '../call-arguments.ts'
import type { CachePoints } from './cache-points.ts'
import { type DocumentNames, encodeAudio, encodeDocument, encodeImage, encodeVideo } from './media.ts'

export interface PartWriting {
  readonly losses: Losses
  readonly points: CachePoints
  readonly names: DocumentNames
  /** Whose seals the model understands. */
  readonly family: string
}

/** Writes a part at the end of a turn's blocks; Converse refuses texts in which nothing stands. */
export function addText(blocks: JsonObject[], part: TextPart, { losses, points }: PartWriting): void {
  if (!/\S/.test(part.text)) {
    if (part.text !== '') losses.adapt('messages[].text')
    return
  }
  blocks.push({ text: part.text })
  points.put(blocks, part.cache)
}

export function addUserPart(blocks: JsonObject[], part: UserPart, writing: PartWriting): void {
  const { losses, points, names } = writing
  switch (part.type) {
    case 'text':
      return addText(blocks, part, writing)
    case 'image':
      if (add(blocks, encodeImage(part, losses))) points.put(blocks, part.cache)
      return
    case 'document':
      if (add(blocks, encodeDocument(part, names, losses))) points.put(blocks, part.cache)
      return
    case 'video':
      add(blocks, encodeVideo(part, losses))
      return
    case 'audio':
      add(blocks, encodeAudio(part, losses))
      return
    case 'opaque':
  }
}

function add(blocks: JsonObject[], block: JsonObject | null): boolean {
  if (block !== null) blocks.push(block)
  return block !== null
}

export function addAssistantPart(blocks: JsonObject[], part: AssistantPart, writing: PartWriting): void {
  const { losses, points } = writing
  switch (part.type) {
    case 'text':
      return addText(blocks, part, writing)
    case 'refusal':
      losses.adapt('messages[].refusal')
      return addText(blocks, { type: 'text', text: part.text }, writing)
    case 'reasoning':
      add(blocks, encodeReasoning(part, writing))
      return
    case 'tool-call': {
      const input =
        part.custom === true
          ? { input: part.arguments }
          : argumentsObject(part.arguments, losses, 'messages[].tool_call.arguments')
      blocks.push({ toolUse: { toolUseId: part.id, name: part.name, input } })
      return points.put(blocks, part.cache)
    }
    case 'image':
    case 'audio':
      losses.drop(`messages[].${part.type}`)
      return
    case 'opaque':
  }
}

function encodeReasoning(part: ReasoningPart, { losses, family }: PartWriting): JsonObject | null {
  if (part.sealed?.family === family && part.text === '') {
    return { reasoningContent: { redactedContent: part.sealed.value } }
  }
  if (part.signature?.family === family) {
    return { reasoningContent: { reasoningText: { text: part.text, signature: part.signature.value } } }
  }
  losses.drop('messages[].reasoning')
  return null
}

/** A result; an empty one is an empty object, as Converse refuses texts and lists without anything. */
export function addToolResult(blocks: JsonObject[], part: ToolResultPart, writing: PartWriting): void {
  const { losses, names, points } = writing
  const content: JsonObject[] = []
  for (const item of part.content) {
    switch (item.type) {
      case 'text':
        if (/\S/.test(item.text)) content.push({ text: item.text })
        break
      case 'image':
        add(content, encodeImage(item, losses))
        break
      case 'document':
        add(content, encodeDocument(item, names, losses))
    }
  }
  const status = part.isError ? { status: 'error' } : {}
  blocks.push({
    toolResult: { toolUseId: part.callId, content: content.length === 0 ? [{ json: {} }] : content, ...status },
  })
  points.put(blocks, part.cache ?? part.content.findLast((item) => item.cache !== undefined)?.cache)
}
