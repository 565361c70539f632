import { FieldProblem, type Fields, fieldsOf } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { BuiltinKind, ModelRequest, Tool, ToolChoice } from '../../ir/request.ts'
import { builtinPath } from '../carried.ts'
import { type HostedLimits, limitsOf } from '../hosted-tools.ts'
import { ownExtra } from '../openai-chat/extra.ts'
import { FlatNames } from './flat-names.ts'
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

export function decodeTools(body: Fields, names: FlatNames): Tool[] {
  return (body.array('tools') ?? []).flatMap((value, at) => {
    const tool = fieldsOf(value, `${body.at('tools')}[${at}]`)
    const object = isObject(value) ? value : {}
    return object['type'] === 'namespace' ? decodeNamespace(object, tool, names) : [decodeTool(object, tool)]
  })
}

/** Names for the tools of namespaces, beside those of a body that stand in none. */
export function flatNamesOf(body: JsonObject): FlatNames {
  const tools: readonly unknown[] = Array.isArray(body['tools']) ? body['tools'] : []
  return new FlatNames(
    tools.flatMap((tool) => {
      const name = isObject(tool) && isNamed(tool) ? tool['name'] : undefined
      return typeof name === 'string' ? [name] : []
    }),
  )
}

/** Each tool of a namespace; one without any that others know is left to its own dialect. */
function decodeNamespace(object: JsonObject, namespace: Fields, names: FlatNames): Tool[] {
  namespace.value('type')
  const name = namespace.text('name')
  const description = namespace.string('description')
  const inner = (namespace.array('tools') ?? []).map((value, at) => {
    return decodeTool(isObject(value) ? value : {}, fieldsOf(value, `${namespace.at('tools')}[${at}]`))
  })
  const others = inner.flatMap((tool) => (tool.type === 'builtin' ? [tool.definition] : []))
  const rest = namespace.rest()
  const extra = others.length === 0 ? rest : { ...rest, tools: others }
  const tools = inner.flatMap((tool): Tool[] => {
    if (tool.type === 'builtin') return []
    const space = { name, tool: tool.name, description, definition: object, extra }
    return [{ ...tool, name: names.of(name, tool.name), namespace: space }]
  })
  return tools.length > 0 ? tools : [{ type: 'builtin', kind: 'other', definition: object }]
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
  const namespaces = new Set<JsonObject>()
  for (const tool of request.tools) {
    if (tool.type !== 'builtin' && tool.namespace !== undefined) {
      const { definition } = tool.namespace
      if (!namespaces.has(definition)) tools.push(definition)
      namespaces.add(definition)
    } else if (tool.type === 'function') {
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
export function decodeToolChoice(body: Fields, object: JsonObject, tools: readonly Tool[]): ToolChoice | undefined {
  const choice = object['tool_choice']
  if (isObject(choice) && !isNamed(choice) && !isAllowed(choice)) return undefined
  const value = body.value('tool_choice')
  if (value === undefined) return undefined
  if (value === 'auto' || value === 'none' || value === 'required') return { type: value }
  const fields = typeof value === 'string' ? undefined : body.fields('tool_choice')
  if (fields === undefined) throw body.problem('tool_choice', 'one of "none", "auto", "required", or an object')
  const asSaid = (names: readonly string[]) =>
    namesNamespaced(names, tools) && isObject(choice) ? { said: choice } : {}
  if (fields.string('type') !== 'allowed_tools') {
    const [name = ''] = chosenBy(fields, tools)
    return { type: 'tool', name, ...asSaid([name]) }
  }
  const mode = fields.oneOf('mode', ['auto', 'required'] as const) ?? 'auto'
  const names = (fields.items('tools') ?? []).flatMap((tool) => chosenBy(tool, tools))
  return { type: 'allowed', mode, names, ...asSaid(names) }
}

/** The tools that one entry means: all of a namespace, one of it, or one that stands alone. */
function chosenBy(entry: Fields, tools: readonly Tool[]): readonly string[] {
  const type = entry.string('type')
  const name = entry.text('name')
  const namespace = entry.string('namespace')
  const within = tools.flatMap((tool) => {
    if (tool.type === 'builtin' || tool.namespace === undefined) return []
    const { namespace: space } = tool
    if (type === 'namespace') return space.name === name ? [tool.name] : []
    return space.tool === name && (namespace ?? space.name) === space.name ? [tool.name] : []
  })
  if (type === 'namespace') return within.length > 0 ? within : [name]
  const known = namespace === undefined && tools.some((tool) => tool.type !== 'builtin' && tool.name === name)
  return known || within[0] === undefined ? [name] : [within[0]]
}

function namesNamespaced(names: readonly string[], tools: readonly Tool[]): boolean {
  return tools.some((tool) => tool.type !== 'builtin' && tool.namespace !== undefined && names.includes(tool.name))
}

function isNamed({ type }: JsonObject): boolean {
  return type === 'function' || type === 'custom' || type === undefined
}

function isAllowed({ type, tools }: JsonObject): boolean {
  if (type !== 'allowed_tools' || !Array.isArray(tools)) return false
  return tools.every((tool) => isObject(tool) && (isNamed(tool) || tool['type'] === 'namespace'))
}

/** Undefined without tools: the vendor refuses the member then. */
export function encodeToolChoice({ toolChoice, tools }: ModelRequest): string | JsonObject | undefined {
  if (toolChoice === undefined || tools.length === 0) return undefined
  const reference = (name: string): JsonObject => {
    const tool = tools.find((each) => each.type !== 'builtin' && each.name === name)
    if (tool === undefined || tool.type === 'builtin') return { type: 'function', name }
    const { type, namespace } = tool
    return namespace === undefined ? { type, name } : { type, name: namespace.tool, namespace: namespace.name }
  }
  switch (toolChoice.type) {
    case 'tool':
      return toolChoice.said ?? reference(toolChoice.name)
    case 'allowed':
      return toolChoice.said ?? { type: 'allowed_tools', mode: toolChoice.mode, tools: toolChoice.names.map(reference) }
    default:
      return toolChoice.type
  }
}
