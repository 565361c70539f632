import type { AssistantPart, DocumentPart, ImagePart, TextPart, ToolResultPart, UserPart } from '../../ir/parts.ts'
import { argumentsObject } from '../call-arguments.ts'
import type { Block, CacheMarks } from './cache.ts'
import { replayedCitation } from './citations.ts'
import { addExtra, encodeDocument, encodeImage, type Writing } from './media.ts'

/** Writes the parts of messages as blocks for the API; what it has no block for is reported. */
export interface PartWriting extends Writing {
  readonly marks: CacheMarks
  /** Whose seals the model understands. */
  readonly family: string
}

/** A block of text, or null for one that the API refuses because nothing stands in it. */
export function encodeText(part: TextPart, writing: PartWriting): Block | null {
  if (part.text === '') return null
  if (!/\S/.test(part.text)) {
    writing.losses.adapt('messages[].text')
    return null
  }
  const block: Block = { type: 'text', text: part.text }
  const citations = part.citations?.map(replayedCitation).filter((citation) => citation !== null) ?? []
  if (citations.length > 0) block['citations'] = citations
  if (citations.length < (part.citations?.length ?? 0)) writing.losses.drop('messages[].text.citations')
  addExtra(block, part.extra, 'messages[].text', writing)
  return writing.marks.put(block, part.cache)
}

export function encodeUserPart(part: UserPart, writing: PartWriting): Block | null {
  switch (part.type) {
    case 'text':
      return encodeText(part, writing)
    case 'image':
    case 'document':
      return encodeMedia(part, writing)
    case 'audio':
    case 'video':
      return null
    case 'opaque':
      if (part.dialect === 'anthropic-messages') return { type: part.name, ...part.value }
      writing.losses.drop(`messages[].${part.name}`)
      return null
  }
}

function encodeMedia(part: ImagePart | DocumentPart, writing: PartWriting): Block | null {
  const block = part.type === 'image' ? encodeImage(part, writing) : encodeDocument(part, writing)
  return block === null ? null : writing.marks.put(block, part.cache)
}

export function encodeAssistantPart(part: AssistantPart, writing: PartWriting): Block | null {
  const { losses } = writing
  switch (part.type) {
    case 'text':
      return encodeText(part, writing)
    case 'refusal':
      losses.adapt('messages[].refusal')
      return encodeText({ type: 'text', text: part.text }, writing)
    case 'reasoning': {
      const seal = part.sealed ?? part.signature
      if (seal?.family !== writing.family) {
        losses.drop('messages[].reasoning')
        return null
      }
      const block: Block =
        part.sealed !== undefined && part.text === ''
          ? { type: 'redacted_thinking', data: seal.value }
          : { type: 'thinking', thinking: part.text, signature: seal.value }
      addExtra(block, part.extra, 'messages[].reasoning', writing)
      return block
    }
    case 'tool-call': {
      const input =
        part.custom === true
          ? { input: part.arguments }
          : argumentsObject(part.arguments, losses, 'messages[].tool_call.arguments')
      const block: Block = { type: 'tool_use', id: part.id, name: part.name, input }
      addExtra(block, part.extra, 'messages[].tool_call', writing)
      return writing.marks.put(block, part.cache)
    }
    case 'image':
    case 'audio':
      losses.drop(`messages[].${part.type}`)
      return null
    case 'opaque':
      if (part.dialect === 'anthropic-messages') return { type: part.name, ...part.value }
      losses.drop(`messages[].${part.name}`)
      return null
  }
}

/** One result; a single text goes as a plain string. */
export function encodeToolResult(part: ToolResultPart, writing: PartWriting): Block {
  const block: Block = { type: 'tool_result', tool_use_id: part.callId }
  const content = part.content
    .map((item) => (item.type === 'text' ? encodeText(item, writing) : encodeMedia(item, writing)))
    .filter((item) => item !== null)
  const only = content.length === 1 ? content[0] : undefined
  if (only !== undefined && isPlainText(only)) block['content'] = only['text']
  else if (content.length > 0) block['content'] = content
  if (part.isError) block['is_error'] = true
  addExtra(block, part.extra, 'messages[].tool_result', writing)
  return writing.marks.put(block, part.cache)
}

/** A text with nothing beside it, which a plain string says as well. */
export function isPlainText(block: Block): boolean {
  return block['type'] === 'text' && Object.keys(block).length === 2
}
