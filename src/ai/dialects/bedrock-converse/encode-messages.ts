import type { JsonObject } from '../../ir/json.ts'
import type { Message, ModelRequest } from '../../ir/request.ts'
import { LeftOut, OPENING } from '../left-out.ts'
import { addAssistantPart, addText, addToolResult, addUserPart, type PartWriting } from './encode-parts.ts'

interface Turn {
  readonly role: 'user' | 'assistant'
  readonly content: JsonObject[]
}

export interface Conversation {
  readonly system: readonly JsonObject[]
  readonly messages: readonly Turn[]
}

/** Instructions and turns for Converse: user and assistant alternate, and results of tools stand in the user's turn. */
export function encodeConversation(request: ModelRequest, writing: PartWriting): Conversation {
  const system: JsonObject[] = []
  const turns: Turn[] = []
  const leftOut = new LeftOut(request, writing.losses)
  for (const message of request.messages) {
    if (message.role === 'system' && turns.length === 0) {
      for (const part of message.parts) addText(system, part, writing)
    } else {
      leftOut.takes(message, addTo(turns, message, writing))
    }
  }
  leftOut.check()
  if (turns.length === 0 && system.length > 0) {
    writing.losses.adapt('messages[].system') // Converse wants a turn to answer
    return { system: [], messages: [{ role: 'user', content: system }] }
  }
  if (turns[0]?.role === 'assistant') {
    writing.losses.adapt('messages')
    turns.unshift({ role: 'user', content: [{ text: OPENING }] })
  }
  for (const turn of turns) nameDocuments(turn, writing)
  trimPrefill(turns.at(-1), writing)
  return { system, messages: turns }
}

/** How many blocks came of a message. */
function addTo(turns: Turn[], message: Message, writing: PartWriting): number {
  const role = message.role === 'assistant' ? 'assistant' : 'user'
  const before = turns.at(-1)
  const turn: Turn = before?.role === role ? before : { role, content: [] }
  const length = turn.content.length
  switch (message.role) {
    case 'system':
      writing.losses.adapt('messages[].system')
      for (const part of message.parts) addText(turn.content, part, writing)
      break
    case 'user':
      for (const part of message.parts) addUserPart(turn.content, part, writing)
      break
    case 'assistant':
      for (const part of message.parts) addAssistantPart(turn.content, part, writing)
      break
    case 'tool':
      for (const part of message.parts) addToolResult(turn.content, part, writing)
  }
  if (turn !== before && turn.content.length > 0) turns.push(turn)
  return turn.content.length - length
}

/** A document wants a text beside it. */
function nameDocuments(turn: Turn, { losses }: PartWriting): void {
  const documents = turn.content.some((block) => 'document' in block)
  if (!documents || turn.content.some((block) => 'text' in block)) return
  losses.adapt('messages[].document')
  turn.content.push({ text: 'See the document.' })
}

/** An answer that the client begins must not end with a space. */
function trimPrefill(turn: Turn | undefined, { losses }: PartWriting): void {
  const last = turn?.role === 'assistant' ? turn.content.at(-1) : undefined
  const text = last?.['text']
  if (turn === undefined || typeof text !== 'string') return
  const trimmed = text.trimEnd()
  if (trimmed.length === text.length) return
  losses.adapt('messages[].text')
  turn.content[turn.content.length - 1] = { text: trimmed }
}
