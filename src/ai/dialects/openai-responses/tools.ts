import { FieldProblem, type Fields, fieldsOf } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { BuiltinKind, ModelRequest, Tool, ToolChoice } from '../../ir/request.ts'
import { builtinPath } from '../carried.ts'
import { type HostedLimits, limitsOf } from '../hosted-tools.ts'
import { ownExtra } from '../openai-chat/extra.ts'
import type { Spelling } from './spelling.ts'

/** What the vendor runs itself, by the beginning of its name: versions carry a date behind it. */
const KINDS: readonly (readonly [start: string, kind: BuiltinKind])[] = [
  ['web_search', 'web-search'],
  ['file_search', 'file-search'],
  ['code_interpreter', 'code-execution'],
  ['computer', 'computer'],
  ['local_shell', 'shell'],
  ['shell', 'shell'],
  ['apply_patch', 'text-editor'],
  ['image_generation', 'image-generation'],
]
/** What the vendor holds its search to (guide "Web search", 2026-11). */
const HELD: ReadonlySet<keyof HostedLimits> = new Set(['allowedDomains', 'location', 'contextSize'])
/** The vendor's limit (API reference, `tools`, 2026-11). */
const MOST_TOOLS = 128

export function decodeTools(body: Fields): Tool[] {
  return (body.array('tools') ?? []).map((value, at) => {
    const tool = fieldsOf(value, `${body.at('tools')}[${at}]`)
    return decodeTool(isObject(value) ? value : {}, tool)
  })
}

function decodeTool(object: JsonObject, tool: Fields): Tool {
  const type = tool.text('type')
  switch (type) {
    case 'function':
      return {
        type,
        name: tool.text('name'),
        description: tool.string('description'),
        parameters: tool.object('parameters'),
        strict: tool.boolean('strict'),
        extra: tool.rest(),
      }
    case 'custom':
      return {
        type,
        name: tool.text('name'),
        description: tool.string('description'),
        format: tool.object('format'),
        extra: tool.rest(),
      }
    default: {
      const kind = KINDS.find(([start]) => type.startsWith(start))?.[1] ?? 'other'
      return { type: 'builtin', kind, definition: object }
    }
  }
}

export function encodeTools(request: ModelRequest, { own, vendor, losses }: Spelling): JsonObject[] {
  const tools: JsonObject[] = []
  for (const tool of request.tools) {
    if (tool.type === 'function') {
      if (tool.cache !== undefined) losses.drop('tools[].cache_control')
      const { name, description, parameters } = tool
      tools.push({
        ...ownExtra(own, tool.extra, 'tools[]', losses),
        type: 'function',
        name,
        ...(description === undefined ? {} : { description }),
        parameters: parameters ?? { type: 'object', properties: {} },
        // Without a word the vendor takes a schema as strict here, which no other dialect does.
        ...(own && tool.strict === undefined ? {} : { strict: tool.strict ?? false }),
      })
    } else if (tool.type === 'custom') {
      const { name, description, format } = tool
      tools.push({
        ...ownExtra(own, tool.extra, 'tools[].custom', losses),
        type: 'custom',
        name,
        ...(description === undefined ? {} : { description }),
        ...(format === undefined ? {} : { format: flatFormat(format) }),
      })
    } else if (own) tools.push(tool.definition)
    else if (tool.kind === 'web-search' && vendor) {
      losses.adapt('tools[].web_search')
      tools.push({ type: 'web_search', ...heldLimits(limitsOf(tool, losses, HELD)) })
    } else losses.drop(builtinPath(tool))
  }
  if (vendor && tools.length > MOST_TOOLS) {
    throw new FieldProblem('tools', `this model takes at most ${MOST_TOOLS} tools, and ${tools.length} are given`)
  }
  return tools
}

function heldLimits({ allowedDomains, location, contextSize }: HostedLimits): JsonObject {
  return {
    ...(allowedDomains !== undefined && { filters: { allowed_domains: allowedDomains } }),
    ...(location !== undefined && { user_location: { type: 'approximate', ...location } }),
    ...(contextSize !== undefined && { search_context_size: contextSize }),
  }
}

/** Chat completions put the grammar into an object of its own; here its members stand beside the type. */
function flatFormat(format: JsonObject): JsonObject {
  const { grammar, ...rest } = format
  return isObject(grammar) ? { ...rest, ...grammar, type: 'grammar' } : format
}

/**
 * The choice of tools, as far as others know it. A choice of something that the vendor runs stays unread, and goes on as it came to
 * an upstream of this dialect.
 */
export function decodeToolChoice(body: Fields, object: JsonObject): ToolChoice | undefined {
  const choice = object['tool_choice']
  if (isObject(choice) && !isNamed(choice) && !isAllowed(choice)) return undefined
  const value = body.value('tool_choice')
  if (value === undefined) return undefined
  if (value === 'auto' || value === 'none' || value === 'required') return { type: value }
  const fields = typeof value === 'string' ? undefined : body.fields('tool_choice')
  if (fields === undefined) throw body.problem('tool_choice', 'one of "none", "auto", "required", or an object')
  if (fields.string('type') !== 'allowed_tools') return { type: 'tool', name: fields.text('name') }
  const mode = fields.oneOf('mode', ['auto', 'required'] as const) ?? 'auto'
  return { type: 'allowed', mode, names: (fields.items('tools') ?? []).map((tool) => tool.text('name')) }
}

function isNamed({ type }: JsonObject): boolean {
  return type === 'function' || type === 'custom' || type === undefined
}

function isAllowed({ type, tools }: JsonObject): boolean {
  return type === 'allowed_tools' && Array.isArray(tools) && tools.every((tool) => isObject(tool) && isNamed(tool))
}

/** Undefined without tools: the vendor refuses the member then. */
export function encodeToolChoice({ toolChoice, tools }: ModelRequest): string | JsonObject | undefined {
  if (toolChoice === undefined || tools.length === 0) return undefined
  const reference = (name: string): JsonObject => {
    return { type: tools.some((tool) => tool.type === 'custom' && tool.name === name) ? 'custom' : 'function', name }
  }
  switch (toolChoice.type) {
    case 'tool':
      return reference(toolChoice.name)
    case 'allowed':
      return { type: 'allowed_tools', mode: toolChoice.mode, tools: toolChoice.names.map(reference) }
    default:
      return toolChoice.type
  }
}
