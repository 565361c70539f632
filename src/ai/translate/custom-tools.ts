import { isObject, parseExact } from '../ir/json.ts'
import type { Losses } from '../ir/losses.ts'
import type { AssistantPart, ToolCallPart } from '../ir/parts.ts'
import type { CustomTool, FunctionTool, Message, Tool } from '../ir/request.ts'

/** The one argument of the function that stands for a tool with free text as input. */
const INPUT = 'input'

/** Free-text tools as functions with one text argument, for dialects that know only functions. */
export function withoutCustomTools(tools: readonly Tool[], losses: Losses): Tool[] {
  return tools.map((tool) => {
    if (tool.type !== 'custom') return tool
    losses.adapt('tools[].custom')
    if (tool.format !== undefined && tool.format['type'] === 'grammar') losses.drop('tools[].custom.format')
    return asFunction(tool)
  })
}

function asFunction(tool: CustomTool): FunctionTool {
  const parameters = {
    type: 'object',
    properties: { [INPUT]: { type: 'string', description: 'The whole input of the tool, as text.' } },
    required: [INPUT],
    additionalProperties: false,
  }
  return { type: 'function', name: tool.name, description: tool.description, parameters, extra: tool.extra }
}

/** Calls of such tools in the history, as calls of the functions. */
export function withoutCustomCalls(messages: readonly Message[]): Message[] {
  return messages.map((message): Message => {
    if (
      message.role === 'assistant' &&
      message.parts.some((part) => part.type === 'tool-call' && part.custom === true)
    ) {
      return { ...message, parts: message.parts.map(asFunctionCall) }
    }
    if (message.role === 'tool' && message.parts.some((part) => part.custom === true)) {
      return { ...message, parts: message.parts.map((part) => ({ ...part, custom: undefined })) }
    }
    return message
  })
}

function asFunctionCall(part: AssistantPart): AssistantPart {
  if (part.type !== 'tool-call' || part.custom !== true) return part
  return { ...part, custom: undefined, arguments: JSON.stringify({ [INPUT]: part.arguments }) }
}

/** The free text that a call of the function carries; its arguments as they are when they are something else. */
export function asCustomCall(part: ToolCallPart): ToolCallPart {
  return { ...part, custom: true, arguments: inputOf(part.arguments) }
}

function inputOf(text: string): string {
  try {
    const value = parseExact(text)
    const input = isObject(value) ? value[INPUT] : undefined
    return typeof input === 'string' ? input : text
  } catch {
    return text // cut short by the model: the client sees what there is
  }
}
