import type { Losses } from '../ir/losses.ts'
import type { AssistantPart } from '../ir/parts.ts'
import type { Message, ModelRequest, Tool } from '../ir/request.ts'

/** The shortest limit of a vendor's for what is said of a function (OpenAI, API reference, `tools`, 2026-11). */
const LONGEST_DESCRIPTION = 1024

/** A request for dialects without groups of tools: each tool stands alone, by its name among all, and says what its group is. */
export function withoutNamespaces(request: ModelRequest, losses: Losses): ModelRequest {
  const tools = request.tools.map((tool) => alone(tool, losses))
  const messages = request.messages.map((message) => withoutIn(message, losses))
  const { toolChoice: choice } = request
  const toolChoice = choice?.type === 'tool' || choice?.type === 'allowed' ? { ...choice, said: undefined } : choice
  return { ...request, tools, messages, toolChoice }
}

function alone(tool: Tool, losses: Losses): Tool {
  if (tool.type === 'builtin' || tool.namespace === undefined) return tool
  const { extra, description: group = '' } = tool.namespace
  losses.adapt('tools[].namespace')
  losses.dropAll('tools[].namespace', extra)
  const { description: own = '' } = tool
  const joined = own === '' || group === '' ? group + own : `${group}\n\n${own}`
  const fits = group === '' || joined.length <= LONGEST_DESCRIPTION
  if (!fits) losses.drop('tools[].namespace.description')
  const description = fits && joined !== '' ? joined : tool.description
  return { ...tool, namespace: undefined, description }
}

function withoutIn(message: Message, losses: Losses): Message {
  if (message.role !== 'assistant' || !message.parts.some(isWithin)) return message
  losses.adapt('messages[].tool_call.namespace')
  return { ...message, parts: message.parts.map((part) => (isWithin(part) ? { ...part, namespace: undefined } : part)) }
}

function isWithin(part: AssistantPart): boolean {
  return part.type === 'tool-call' && part.namespace !== undefined
}
