import { hash } from 'node:crypto'
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
  const current = new Map<string, Answered>()
  /** How many copies of an id there are: each is numbered once, however often the id comes back. */
  const copies = new Map<string, number>()
  let changed = false
  const wire = (id: string): string => {
    let made = isFit(id, rule) ? id : fitted(id, rule)
    if (taken.has(made)) {
      let copy = copies.get(id) ?? 1
      do made = fitted(`${id}#${copy++}`, rule)
      while (taken.has(made))
      copies.set(id, copy)
    }
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
          if (same === undefined) current.set(part.id, { ids: [id], next: 0 })
          else same.ids.push(id)
          return id === part.id ? part : { ...part, id }
        }),
      }
    }
    if (message.role !== 'tool') return message
    return {
      ...message,
      parts: message.parts.map((part): ToolResultPart => {
        const same = current.get(part.callId)
        const id = same === undefined ? undefined : same.ids[same.next]
        if (same !== undefined && same.next < same.ids.length - 1) same.next++
        return id === undefined || id === part.callId ? part : { ...part, callId: id }
      }),
    }
  })
  if (changed) losses.adapt('messages[].tool_call.id')
  return changed ? out : [...messages]
}

/** What the calls of one id are called now, and whose result is the next. The last one takes what comes beyond them. */
interface Answered {
  readonly ids: string[]
  next: number
}

function isFit(id: string, rule: DialectTraits['callId']): boolean {
  return id !== '' && (rule === null || (id.length <= rule.longest && rule.pattern.test(id)))
}

const MADE = 'call_'

/** Depends on the id alone: the same conversation gives the same text, which prompt caches need. */
function fitted(id: string, rule: DialectTraits['callId']): string {
  const made = `${MADE}${hash('sha256', id).slice(0, 24)}`
  if (rule === null) return made
  const cut = made.slice(0, rule.longest)
  // Some take letters and digits alone, and so many of them.
  return rule.pattern.test(cut) ? cut : made.slice(MADE.length, MADE.length + rule.longest)
}
