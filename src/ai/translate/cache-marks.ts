import type { JsonObject } from '../ir/json.ts'
import type { CacheMark, TextPart } from '../ir/parts.ts'
import type { Message, ModelRequest, Tool } from '../ir/request.ts'
import { estimateTokens } from '../relay/delivered.ts'

/** Whether prompts of clients that mark nothing are marked for the vendor's cache. */
export type CacheMarking = 'off' | 'auto'

const MARK: CacheMark = {}

/**
 * Marks a prompt where it is likely to be the same next time: behind the tools, behind the instructions and behind the newest turn of
 * the user, three of the four marks that a vendor allows. A mark on less than `least` tokens does nothing and is left out.
 * A client that marks anything itself knows better.
 */
export function withCacheMarks(request: ModelRequest, least: number): ModelRequest {
  const { tools, messages } = request
  if (isMarked(request)) return request
  let size = tools.reduce((sum, tool) => sum + estimateTokens(textOf(tool).length), 0)
  const markedTools = size >= least ? withMarkedTool(tools) : tools
  const leading = messages.findIndex(({ role }) => role !== 'system')
  const out = [...messages]
  const end = leading < 0 ? messages.length : leading
  size += lengthOf(messages.slice(0, end))
  const instructions = out[end - 1]
  if (size >= least && instructions?.role === 'system') {
    const parts = withLast(instructions.parts, () => true)
    out[end - 1] = { ...instructions, parts }
  }
  size += lengthOf(messages.slice(end))
  const turn = out.findLastIndex(({ role }) => role === 'user' || role === 'tool')
  const newest = out[turn]
  if (size >= least && newest !== undefined) out[turn] = withMarkedEnd(newest)
  return { ...request, tools: markedTools, messages: out }
}

function isMarked({ tools, messages }: ModelRequest): boolean {
  if (tools.some((tool) => tool.type !== 'custom' && tool.cache !== undefined)) return true
  return messages.some(({ parts }) => {
    return parts.some((part) => 'cache' in part && part.cache !== undefined)
  })
}

function withMarkedTool(tools: readonly Tool[]): readonly Tool[] {
  const last = tools.at(-1)
  return last === undefined || last.type === 'custom' ? tools : [...tools.slice(0, -1), { ...last, cache: MARK }]
}

function withMarkedEnd(message: Message): Message {
  if (message.role === 'tool') return { ...message, parts: withLast(message.parts, () => true) }
  if (message.role !== 'user') return message
  // Not every kind of part can carry a mark, and none that is left out would.
  const carries = ({ type }: { readonly type: string }) => type === 'text' || type === 'image' || type === 'document'
  return { ...message, parts: withLast(message.parts, carries) }
}

/** The list with a mark on the last of those that carry one. */
function withLast<Part extends object>(parts: readonly Part[], carries: (part: Part) => boolean): Part[] {
  const at = parts.findLastIndex(carries)
  return parts.map((part, index) => (index === at && !isEmptyText(part) ? { ...part, cache: MARK } : part))
}

/** A vendor refuses a mark on an empty text. */
function isEmptyText(part: object): boolean {
  return 'text' in part && !/\S/.test(String((part as TextPart).text)) // only read, whatever it is
}

function lengthOf(messages: readonly Message[]): number {
  let length = 0
  for (const { parts } of messages) {
    for (const part of parts) {
      if ('text' in part) length += part.text.length
      else if (part.type === 'tool-call') length += part.arguments.length
      else if (part.type === 'tool-result') {
        for (const item of part.content) if (item.type === 'text') length += item.text.length
      }
    }
  }
  return estimateTokens(length)
}

function textOf(tool: Tool): string {
  const shown: JsonObject | Tool = tool.type === 'builtin' ? tool.definition : tool
  return JSON.stringify(shown)
}
