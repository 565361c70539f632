import { createHash } from 'node:crypto'
import type { DialectTraits } from '../dialects/dialect.ts'
import type { Losses } from '../ir/losses.ts'
import type { AssistantPart, ToolResultPart } from '../ir/parts.ts'
import type { Message } from '../ir/request.ts'

/**
 * Makes the ids of calls unique within the conversation and such as the upstream takes, the results' with them. Clients
 * reuse ids (`call_0` in each turn), or send none.
 */
export function withCallIds(messages: readonly Message[], rule: DialectTraits['callId'], losses: Losses): Message[] {
  const taken = new Set<string>()
  /** What the calls of the last turn with this id are called now, oldest first. */
  const current = new Map<string, string[]>()
  let changed = false
  const wire = (id: string): string => {
    let made = isFit(id, rule) ? id : fitted(id, rule)
    for (let copy = 1; taken.has(made); copy++) made = fitted(`${id}#${copy}`, rule)
    taken.add(made)
    if (made !== id) changed = true
    return made
  }
  const out = messages.map((message): Message => {
    if (message.role === 'assistant' && message.parts.some((part) => part.type === 'tool-call')) {
      current.clear()
      return {
        ...message,
        parts: message.parts.map((part): AssistantPart => {
          if (part.type !== 'tool-call') return part
          const id = wire(part.id)
          const same = current.get(part.id)
          if (same === undefined) current.set(part.id, [id])
          else same.push(id)
          return id === part.id ? part : { ...part, id }
        }),
      }
    }
    if (message.role !== 'tool') return message
    return {
      ...message,
      parts: message.parts.map((part): ToolResultPart => {
        const ids = current.get(part.callId)
        const id = ids === undefined ? undefined : ids.length > 1 ? ids.shift() : ids[0]
        return id === undefined || id === part.callId ? part : { ...part, callId: id }
      }),
    }
  })
  if (changed) losses.adapt('messages[].tool_call.id')
  return changed ? out : [...messages]
}

function isFit(id: string, rule: DialectTraits['callId']): boolean {
  return id !== '' && (rule === null || (id.length <= rule.longest && rule.pattern.test(id)))
}

const MADE = 'call_'

/** Depends on the id alone: the same conversation gives the same text, which prompt caches need. */
function fitted(id: string, rule: DialectTraits['callId']): string {
  const made = `${MADE}${createHash('sha256').update(id).digest('hex').slice(0, 24)}`
  if (rule === null) return made
  const cut = made.slice(0, rule.longest)
  // Some take letters and digits alone, and so many of them.
  return rule.pattern.test(cut) ? cut : made.slice(MADE.length, MADE.length + rule.longest)
}
