import type { Losses } from '../../ir/losses.ts'
import type { AssistantPart, Citation, ToolCallPart } from '../../ir/parts.ts'
import { argumentsObject } from '../call-arguments.ts'
import type { Block } from './cache.ts'
import { encodeCitation } from './citations.ts'
import { sealOf, writeSeal } from './foreign-seals.ts'

/**
 * Blocks of an answer for one part: mostly one, none for what a client of this dialect cannot be shown, two where another
 * vendor signed a text or a call, which has its seal in a thinking block before it. Refusals stand in `stop_details`.
 */
export function answerBlocks(part: AssistantPart, own: boolean, losses: Losses): Block[] {
  switch (part.type) {
    case 'text': {
      if (part.text === '') return []
      const block: Block = { type: 'text', text: part.text }
      const citations = encodeCitations(part.citations, losses)
      if (citations.length > 0) block['citations'] = citations
      return [...carriedSeal(part), withExtra(block, part.extra, own)]
    }
    case 'reasoning': {
      const seal = sealOf(part)
      if (part.text === '' && seal === null) return []
      return [withExtra(thoughtBlock(part.text, seal, part.sealed !== undefined), part.extra, own)]
    }
    case 'tool-call': {
      const input = argumentsObject(part.arguments, losses, 'messages[].tool_call.arguments')
      const block: Block = { type: 'tool_use', id: part.id, name: part.name, input }
      return [...carriedSeal(part), withExtra(block, part.extra, own)]
    }
    case 'refusal':
      return []
    case 'audio': {
      losses.drop('messages[].audio')
      const text = part.transcript ?? ''
      return text === '' ? [] : [{ type: 'text', text }]
    }
    case 'image':
      return []
    case 'opaque':
      if (part.dialect === 'anthropic-messages') return [{ type: part.name, ...part.value }]
      losses.drop(`messages[].${part.name}`)
      return []
  }
}

/** A thought; one of which nothing may be read is redacted. */
export function thoughtBlock(text: string, seal: string | null, sealed: boolean): Block {
  if (text === '' && sealed && seal !== null) return { type: 'redacted_thinking', data: seal }
  return { type: 'thinking', thinking: text, signature: seal ?? '' }
}

/** The seal of a text or a call, which this dialect has no place for, as a thought without text in front of it. */
export function carriedSeal({
  type,
  signature,
}: Pick<ToolCallPart, 'signature'> & { type: 'text' | 'tool-call' }): Block[] {
  if (signature === undefined) return []
  return [{ type: 'thinking', thinking: '', signature: writeSeal(type === 'text' ? 'text' : 'call', signature) }]
}

export function encodeCitations(citations: readonly Citation[] | undefined, losses: Losses): Block[] {
  if (citations === undefined) return []
  const encoded = citations.map(encodeCitation).filter((citation) => citation !== null)
  if (encoded.length < citations.length) losses.drop('messages[].text.citations')
  return encoded
}

/** Adds the members that only this dialect knows. */
export function withExtra(block: Block, extra: ToolCallPart['extra'], own: boolean): Block {
  return own && extra !== undefined ? Object.assign(block, extra) : block
}
