import { FieldProblem } from '../../ir/fields.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { ModelRequest, Tool, ToolChoice } from '../../ir/request.ts'
import { builtinPath, reportUncarried } from '../carried.ts'
import type { EncodeContext } from '../dialect.ts'
import { choiceOfFunctions } from '../known-choice.ts'
import { CARRIES } from './carries.ts'
import { encodeMessages } from './encode-messages.ts'
import { encodeParameters } from './parameters.ts'

/** The body of `POST /v2/chat`. */
export function encodeRequest(request: ModelRequest, context: EncodeContext): JsonObject {
  const { losses } = context
  reportUncarried(request, 'cohere', CARRIES, losses)
  const messages = encodeMessages(request, context)
  if (messages.length === 0 && !losses.provisional)
    throw new FieldProblem('messages', 'expected at least one message with text')
  const own = request.dialect === 'cohere' ? request.extra : undefined
  const tools = encodeTools(request.tools, choiceOfFunctions(request, losses), context)
  return {
    ...own,
    model: context.model,
    stream: request.stream,
    messages,
    ...tools,
    ...encodeParameters(request, context),
  }
}

function encodeTools(tools: readonly Tool[], choice: ToolChoice | undefined, { losses }: EncodeContext): JsonObject {
  const names = choice?.type === 'tool' ? [choice.name] : choice?.type === 'allowed' ? choice.names : null
  const wanted = names === null ? null : new Set(names)
  const encoded: JsonObject[] = []
  let strict = 0
  for (const tool of tools) {
    if (tool.type !== 'function') {
      if (tool.type === 'builtin') losses.drop(builtinPath(tool))
      continue
    }
    if (wanted !== null && !wanted.has(tool.name)) continue
    if (tool.strict === true) strict++
    encoded.push({
      type: 'function',
      function: {
        name: tool.name,
        ...(tool.description !== undefined && { description: tool.description }),
        parameters: tool.parameters ?? { type: 'object', properties: {} },
      },
    })
  }
  if (encoded.length === 0) return {}
  // A choice of some is told by leaving the others out.
  if (wanted !== null && tools.length > 1) losses.adapt('tool_choice')
  if (strict > 0 && strict < encoded.length) losses.drop('tools[].strict')
  const word = choiceWord(choice)
  return {
    tools: encoded,
    ...(strict === encoded.length && { strict_tools: true }),
    ...(word !== null && { tool_choice: word }),
  }
}

/** `auto` has no word: it is what happens without one. */
function choiceWord(choice: ToolChoice | undefined): 'REQUIRED' | 'NONE' | null {
  switch (choice?.type) {
    case 'none':
      return 'NONE'
    case 'required':
    case 'tool':
      return 'REQUIRED'
    case 'allowed':
      return choice.mode === 'required' ? 'REQUIRED' : null
    default:
      return null
  }
}
