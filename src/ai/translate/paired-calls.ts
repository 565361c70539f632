import type { Losses } from '../ir/losses.ts'
import type { ToolCallPart, ToolResultPart, UserPart } from '../ir/parts.ts'
import type { Message, ToolMessage, UserMessage } from '../ir/request.ts'

const CANCELLED = 'This call was cancelled before it had a result.'

/**
 * Puts the results of each turn's calls right behind them, and repairs what agents leave behind when a turn is cancelled: a
 * call without a result gets one that says so, a result without a call becomes the user's text.
 */
export function withPairedCalls(messages: readonly Message[], losses: Losses): Message[] {
  const results = gather(messages)
  const lastCalls = lastCallsOf(messages)
  const used = new Set<ToolResultPart>()
  const out: Message[] = []
  for (const [at, message] of messages.entries()) {
    if (message.role === 'tool') {
      // The results stand in messages of their own making.
      losses.dropAll('messages[]', message.extra)
      const orphans = message.parts.filter((part) => !used.has(part) && (lastCalls.get(part.callId) ?? -1) <= at)
      if (orphans.length > 0) {
        losses.adapt('messages[].tool_result')
        out.push(asUserText(orphans, losses))
      }
      continue
    }
    out.push(message)
    if (message.role !== 'assistant') continue
    const calls = message.parts.filter((part): part is ToolCallPart => part.type === 'tool-call')
    // The last message may end with calls that the client is about to answer.
    if (calls.length === 0 || at === messages.length - 1) continue
    out.push(answersTo(calls, results, used, losses))
  }
  return out
}

/** Results by the id of their call, in the order in which they came. */
function gather(messages: readonly Message[]): Map<string, Results> {
  const results = new Map<string, Results>()
  for (const message of messages) {
    if (message.role !== 'tool') continue
    for (const part of message.parts) {
      const same = results.get(part.callId)
      if (same === undefined) results.set(part.callId, { parts: [part], next: 0 })
      else same.parts.push(part)
    }
  }
  return results
}

interface Results {
  readonly parts: ToolResultPart[]
  next: number
}

/** The last message with a call of each id: a result in front of it is claimed there. */
function lastCallsOf(messages: readonly Message[]): Map<string, number> {
  const last = new Map<string, number>()
  for (const [at, message] of messages.entries()) {
    if (message.role !== 'assistant') continue
    for (const part of message.parts) if (part.type === 'tool-call') last.set(part.id, at)
  }
  return last
}

function answersTo(
  calls: readonly ToolCallPart[],
  results: ReadonlyMap<string, Results>,
  used: Set<ToolResultPart>,
  losses: Losses,
): ToolMessage {
  const parts = calls.map((call): ToolResultPart => {
    const waiting = results.get(call.id)
    const result = waiting?.parts[waiting.next++]
    if (result !== undefined) {
      used.add(result)
      return result.name === undefined ? { ...result, name: call.name } : result
    }
    losses.adapt('messages[].tool_call')
    return {
      type: 'tool-result',
      callId: call.id,
      name: call.name,
      content: [{ type: 'text', text: CANCELLED }],
      isError: true,
    }
  })
  return { role: 'tool', parts }
}

function asUserText(orphans: readonly ToolResultPart[], losses: Losses): UserMessage {
  const parts = orphans.flatMap((part): UserPart[] => {
    losses.dropAll('messages[].tool_result', part.extra)
    const what = part.isError ? 'Error of a tool call' : 'Result of a tool call'
    return [{ type: 'text', text: `${what} (${part.name ?? part.callId}):` }, ...withCache(part)]
  })
  return { role: 'user', parts }
}

/** The mark of a result covers all of it: it goes to the last part. */
function withCache({ content, cache }: ToolResultPart): ToolResultPart['content'] {
  const last = content.at(-1)
  if (cache === undefined || last === undefined || last.cache !== undefined) return content
  return [...content.slice(0, -1), { ...last, cache }]
}
