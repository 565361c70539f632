import type { JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type { ModelRequest, Tool, ToolChoice } from '../../ir/request.ts'
import { withinSubset } from '../anthropic-messages/output-schema.ts'
import { isHeld, objectSchema, withoutAllOf } from '../anthropic-messages/tools.ts'
import { builtinPath } from '../carried.ts'
import type { CachePoints } from './cache-points.ts'

/**
 * `toolConfig`: the tools on offer. Converse wants it wherever the conversation has calls or results, so that tools of earlier turns are
 * named when the client offers none; it cannot say that none may be called.
 */
export function encodeToolConfig(request: ModelRequest, points: CachePoints, losses: Losses): JsonObject | undefined {
  const { toolChoice, parameters } = request
  const history = namesInHistory(request)
  let offered: readonly Tool[] = request.tools
  if (toolChoice?.type === 'allowed') {
    losses.adapt('tool_choice')
    const allowed = new Set(toolChoice.names)
    offered = offered.filter((tool) => tool.type === 'builtin' || allowed.has(tool.name))
  }
  if (toolChoice?.type === 'none' && offered.length > 0) {
    // Without tools none can be called; with calls in the history they have to stay.
    if (history.length === 0) {
      losses.adapt('tool_choice')
      return undefined
    }
    losses.drop('tool_choice')
  }
  const tools: JsonObject[] = []
  for (const tool of offered) addTool(tools, tool, { points, losses })
  if (tools.length === 0) {
    if (history.length === 0) return undefined
    losses.adapt('tools')
    for (const name of history) tools.push(toolSpec({ name, schema: undefined }))
  } else if (parameters.parallelToolCalls === false) {
    losses.drop('parallel_tool_calls')
  }
  const names = new Set(offered.map((tool) => (tool.type === 'builtin' ? '' : tool.name)))
  const choice = offered.length === 0 ? undefined : encodeChoice(toolChoice, names, losses)
  return choice === undefined ? { tools } : { tools, toolChoice: choice }
}

function namesInHistory({ messages }: ModelRequest): string[] {
  const names = new Set<string>()
  let results = false
  for (const message of messages) {
    if (message.role === 'tool') results = true
    if (message.role !== 'assistant') continue
    for (const part of message.parts) if (part.type === 'tool-call') names.add(part.name)
  }
  return names.size === 0 && results ? ['tool'] : [...names]
}

interface ToolWriting {
  readonly points: CachePoints
  readonly losses: Losses
}

function addTool(tools: JsonObject[], tool: Tool, { points, losses }: ToolWriting): void {
  switch (tool.type) {
    case 'function': {
      const { name, description } = tool
      const given = withoutAllOf(objectSchema(tool.parameters), losses)
      const strict = isHeld(tool, given, losses)
      const schema = strict === true ? withinSubset(given, losses, 'tools[].parameters') : given
      tools.push(toolSpec({ name, schema, description, strict }))
      return points.put(tools, tool.cache)
    }
    case 'custom': {
      losses.adapt('tools[].custom')
      const schema = { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] }
      tools.push(toolSpec({ name: tool.name, schema, description: tool.description }))
      return
    }
    case 'builtin':
      losses.drop(builtinPath(tool))
  }
}

interface ToolWords {
  readonly name: string
  readonly schema: JsonObject | undefined
  readonly description?: string | undefined
  readonly strict?: boolean | undefined
}

function toolSpec({ name, schema, description, strict }: ToolWords): JsonObject {
  return {
    toolSpec: {
      name,
      // An empty description is refused.
      ...(description === undefined || description === '' ? {} : { description }),
      inputSchema: { json: objectSchema(schema) },
      ...(strict === true ? { strict } : {}),
    },
  }
}

function encodeChoice(
  choice: ToolChoice | undefined,
  names: ReadonlySet<string>,
  losses: Losses,
): JsonObject | undefined {
  switch (choice?.type) {
    case 'auto':
      return { auto: {} }
    case 'required':
      return { any: {} }
    case 'allowed':
      return choice.mode === 'required' ? { any: {} } : { auto: {} }
    case 'tool':
      if (names.has(choice.name)) return { tool: { name: choice.name } }
      losses.drop('tool_choice')
      return undefined
    case 'none':
    case undefined:
      return undefined
  }
}
