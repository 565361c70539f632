import type { Message, ModelRequest } from '../../ir/request.ts'
import { LeftOut, OPENING } from '../left-out.ts'
import type { Block } from './cache.ts'
import {
  encodeAssistantPart,
  encodeText,
  encodeToolResult,
  encodeUserPart,
  isPlainText,
  type PartWriting,
} from './encode-parts.ts'
import { addExtra } from './media.ts'

/** One turn of the wire while it grows. */
interface Turn {
  readonly role: 'user' | 'assistant'
  readonly results: Block[]
  readonly blocks: Block[]
  /** Members of the message that only this dialect knows. */
  readonly extra: Block
}

export interface Conversation {
  readonly system: string | readonly Block[] | undefined
  readonly messages: readonly Block[]
}

/**
 * Instructions and turns for the API. Results of tools open the user's turn, all of one turn in one message; neighbours of one
 * role are one turn, which is what the API makes of them anyway.
 */
export function encodeConversation(request: ModelRequest, writing: PartWriting): Conversation {
  const system: Block[] = []
  const turns: Turn[] = []
  const leftOut = new LeftOut(request, writing.losses)
  for (const message of request.messages) {
    if (message.role === 'system' && turns.length === 0) {
      system.push(...encodeAll(message.parts, encodeText, writing))
      writing.losses.dropAll('messages[]', message.extra)
    } else if (leftOut.takes(message, addTo(turns, message, writing))) continue
  }
  leftOut.check()
  if (turns.length === 0 && system.length > 0) {
    writing.losses.adapt('messages[].system') // the API wants a turn to answer
    return { system: undefined, messages: [{ role: 'user', content: contentOf(system) }] }
  }
  if (turns[0]?.role === 'assistant') {
    writing.losses.adapt('messages')
    turns.unshift({ role: 'user', results: [], blocks: [{ type: 'text', text: OPENING }], extra: {} })
  }
  trimPrefill(turns.at(-1), writing)
  return {
    system: system.length === 0 ? undefined : contentOf(system),
    messages: turns.map(({ role, results, blocks, extra }) => {
      return { role, content: contentOf([...results, ...blocks]), ...extra }
    }),
  }
}

/** How many blocks came of a message. */
function addTo(turns: Turn[], message: Message, writing: PartWriting): number {
  const role = message.role === 'assistant' ? 'assistant' : 'user'
  const results: Block[] = []
  const blocks: Block[] = []
  switch (message.role) {
    case 'system':
      writing.losses.adapt('messages[].system')
      blocks.push(...encodeAll(message.parts, encodeText, writing))
      break
    case 'user':
      blocks.push(...encodeAll(message.parts, encodeUserPart, writing))
      break
    case 'assistant':
      blocks.push(...encodeAll(message.parts, encodeAssistantPart, writing))
      break
    case 'tool':
      results.push(...message.parts.map((part) => encodeToolResult(part, writing)))
  }
  const extra: Block = {}
  addExtra(extra, message.extra, 'messages[]', writing)
  const written = results.length + blocks.length
  if (written === 0) return 0
  const before = turns.at(-1)
  if (before?.role !== role) {
    turns.push({ role, results, blocks, extra })
    return written
  }
  before.results.push(...results)
  before.blocks.push(...blocks)
  Object.assign(before.extra, extra)
  return written
}

function encodeAll<Part>(
  parts: readonly Part[],
  encode: (part: Part, writing: PartWriting) => Block | null,
  writing: PartWriting,
): Block[] {
  return parts.map((part) => encode(part, writing)).filter((block) => block !== null)
}

function contentOf(blocks: Block[]): string | Block[] {
  const only = blocks.length === 1 ? blocks[0] : undefined
  const text = only !== undefined && isPlainText(only) ? only['text'] : undefined
  return typeof text === 'string' ? text : blocks
}

/** An answer that the client begins must not end with a space: the API refuses that. */
function trimPrefill(turn: Turn | undefined, { losses }: PartWriting): void {
  const last = turn?.role === 'assistant' ? turn.blocks.at(-1) : undefined
  const text = last?.['type'] === 'text' ? last['text'] : undefined
  if (last === undefined || typeof text !== 'string') return
  const trimmed = text.trimEnd()
  if (trimmed.length === text.length) return
  losses.adapt('messages[].text')
  last['text'] = trimmed
}
