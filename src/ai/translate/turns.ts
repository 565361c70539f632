import { OPENING } from '../dialects/left-out.ts'
import { Growth } from '../ir/growth.ts'
import type { Losses } from '../ir/losses.ts'
import type { TextPart } from '../ir/parts.ts'
import type { Message, SystemMessage } from '../ir/request.ts'

/**
 * Instructions that stand in the middle of a conversation, for dialects that have a place for them only in front of it:
 * they become the user's text, marked as what they are.
 */
export function withLeadingInstructions(messages: readonly Message[], losses: Losses): Message[] {
  const first = messages.findIndex((message) => message.role !== 'system')
  if (first < 0) return [...messages]
  return messages.map((message, at): Message => {
    if (message.role !== 'system' || at < first) return message
    losses.adapt('messages[].system')
    const { name, extra } = message
    return { role: 'user', parts: marked(message), name, extra }
  })
}

function marked({ parts }: SystemMessage): TextPart[] {
  return parts.map((part) => ({ ...part, text: `<system>\n${part.text}\n</system>` }))
}

/**
 * Merges neighbours of one role, as dialects want it in which user and assistant take turns. Results of tools stay
 * messages of their own in front of the user's text. A conversation that the assistant opens gets a user's turn before it.
 */
export function withTurns(messages: readonly Message[], losses: Losses): Message[] {
  const out: Message[] = []
  const growth = new Growth()
  for (const message of messages) {
    const before = out.at(-1)
    const merged = before === undefined ? null : joined(before, message, { growth, losses })
    if (merged === null) out.push(message)
    else out[out.length - 1] = merged
  }
  const opening = out.findIndex((message) => message.role !== 'system')
  if (out[opening]?.role === 'assistant') {
    losses.adapt('messages')
    out.splice(opening, 0, { role: 'user', parts: [{ type: 'text', text: OPENING }] })
  }
  return out
}

interface Joining {
  readonly growth: Growth
  readonly losses: Losses
}

function joined(before: Message, next: Message, joining: Joining): Message | null {
  const { growth } = joining
  if (before.role === 'user' && next.role === 'user') {
    return { ...before, parts: growth.list(before.parts, next.parts), ...both(before, next, joining) }
  }
  if (before.role === 'assistant' && next.role === 'assistant') {
    return { ...before, parts: growth.list(before.parts, next.parts), ...both(before, next, joining) }
  }
  if (before.role === 'tool' && next.role === 'tool') {
    return { ...before, parts: growth.list(before.parts, next.parts), extra: bothExtra(before, next, joining) }
  }
  return null
}

type Named = Exclude<Message, { role: 'tool' }>

/** One message has one name: where two are meant, neither may stand for both. */
function both(before: Named, next: Named, joining: Joining): Pick<Named, 'name' | 'extra'> {
  const same = before.name === next.name
  if (!same) joining.losses.drop('messages[].name')
  return { name: same ? before.name : undefined, extra: bothExtra(before, next, joining) }
}

function bothExtra(
  { extra: first }: Message,
  { extra: second }: Message,
  { growth, losses }: Joining,
): Message['extra'] {
  if (first !== undefined && second !== undefined) {
    for (const name of Object.keys(second)) if (name in first) losses.drop(`messages[].${name}`)
  }
  return growth.object(first, second)
}
