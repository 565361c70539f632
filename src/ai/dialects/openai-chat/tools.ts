import { FieldProblem, type Fields, fieldsOf } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { ModelRequest, Tool, ToolChoice } from '../../ir/request.ts'
import { builtinPath } from '../carried.ts'
import { type HostedLimits, limitsOf } from '../hosted-tools.ts'
import { choiceOfFunctions } from '../known-choice.ts'
import { readCache, writeCache } from './cache.ts'
import { innerOf, ownExtra, withInner } from './extra.ts'
import type { Spelling } from './spelling.ts'

/** What the search of `web_search_options` is called among tools; its definition holds the options. */
const SEARCH = 'web_search_options'
const HELD: ReadonlySet<keyof HostedLimits> = new Set(['location', 'contextSize'])
/** The vendor's limit (API reference, `tools`, 2026-11). */
const MOST_TOOLS = 128

/** The tools of a request: `tools`, the older `functions`, and the search that is asked for by a member of its own. */
export function decodeTools(body: Fields): Tool[] {
  const tools: Tool[] = []
  for (const [at, value] of (body.array('tools') ?? []).entries()) tools.push(decodeTool(value, body, at))
  for (const item of body.items('functions') ?? []) tools.push(decodeFunction(item, undefined))
  const search = body.object(SEARCH)
  if (search !== undefined) tools.push({ type: 'builtin', kind: 'web-search', definition: { type: SEARCH, ...search } })
  return tools
}

function decodeTool(value: unknown, body: Fields, at: number): Tool {
  const tool = fieldsOf(value, `${body.at('tools')}[${at}]`)
  if (!isObject(value)) throw body.problem('tools', 'an array of objects')
  const type = tool.text('type')
  if (type === 'function') {
    const cache = readCache(value, tool)
    const named = tool.fields('function')
    if (named === undefined) throw tool.problem('function', 'an object')
    const decoded = decodeFunction(named, tool.rest())
    return cache === undefined ? decoded : { ...decoded, cache }
  }
  if (type === 'custom') {
    const custom = tool.fields('custom')
    if (custom === undefined) throw tool.problem('custom', 'an object')
    const name = custom.text('name')
    const [description, format] = [custom.string('description'), custom.object('format')]
    return { type, name, description, format, extra: withInner(tool.rest(), 'custom', custom.rest()) }
  }
  return { type: 'builtin', kind: type.includes('web_search') ? 'web-search' : 'other', definition: value }
}

function decodeFunction(named: Fields, outer: JsonObject | undefined): Extract<Tool, { type: 'function' }> {
  return {
    type: 'function',
    name: named.text('name'),
    description: named.string('description'),
    parameters: named.object('parameters'),
    strict: named.boolean('strict'),
    extra: withInner(outer, 'function', named.rest()),
  }
}

/** The tools as members of a body: `tools`, and `web_search_options` for a model that searches. */
export function encodeTools(request: ModelRequest, spelling: Spelling): JsonObject {
  const { losses } = spelling
  const tools: JsonObject[] = []
  let search: JsonObject | null = null
  for (const tool of request.tools) {
    if (tool.type === 'function') tools.push(encodeFunction(tool, spelling))
    else if (tool.type === 'custom') {
      const extra = ownExtra(spelling.own, tool.extra, 'tools[].custom', losses)
      const { name, description } = tool
      const format = nestedFormat(tool.format)
      const inner = innerOf(extra, 'custom')
      tools.push({ ...extra, type: 'custom', custom: { ...inner, name, ...said({ description, format }) } })
    } else if (spelling.own && tool.definition['type'] === SEARCH) {
      const { type: _, ...options } = tool.definition
      search = options
    } else if (spelling.own) tools.push(tool.definition)
    else if (tool.kind === 'web-search' && spelling.model.includes('search')) {
      // Only the vendor's search models take it, and their names say so.
      losses.adapt('tools[].web_search')
      const { location, contextSize } = limitsOf(tool, losses, HELD)
      search = {
        ...(location !== undefined && { user_location: { type: 'approximate', approximate: location } }),
        ...said({ search_context_size: contextSize }),
      }
    } else losses.drop(builtinPath(tool))
  }
  if (spelling.vendor && tools.length > MOST_TOOLS) {
    throw new FieldProblem('tools', `this model takes at most ${MOST_TOOLS} tools, and ${tools.length} are given`)
  }
  return { ...(tools.length === 0 ? {} : { tools }), ...(search === null ? {} : { [SEARCH]: search }) }
}

/** Responses put a grammar's members beside the type; here they stand in an object of their own. */
function nestedFormat(format: JsonObject | undefined): JsonObject | undefined {
  if (format?.['type'] !== 'grammar' || 'grammar' in format) return format
  const { type, ...grammar } = format
  return { type, grammar }
}

function encodeFunction(tool: Extract<Tool, { type: 'function' }>, spelling: Spelling): JsonObject {
  const { losses } = spelling
  const extra = ownExtra(spelling.own, tool.extra, 'tools[]', losses)
  const { name, description, strict } = tool
  // The vendor takes a function without a schema as one without arguments; not every other server does.
  const parameters = tool.parameters ?? (spelling.vendor ? undefined : { type: 'object', properties: {} })
  return {
    ...extra,
    type: 'function',
    function: { ...innerOf(extra, 'function'), name, ...said({ description, parameters, strict }) },
    ...writeCache(
      tool.cache,
      spelling.cache === 'cache_control' ? 'cache_control' : 'none',
      'tools[].cache_control',
      losses,
    ),
  }
}

const WORDS: Readonly<Record<string, 'auto' | 'none' | 'required'>> = {
  auto: 'auto',
  none: 'none',
  required: 'required',
  any: 'required',
}

/** `tool_choice`, or the older `function_call`. */
export function decodeToolChoice(body: Fields): ToolChoice | undefined {
  for (const member of ['tool_choice', 'function_call']) {
    const value = body.value(member)
    if (value === undefined) continue
    if (typeof value === 'string') {
      const type = WORDS[value]
      if (type === undefined) throw body.problem(member, 'one of "none", "auto", "required"')
      return { type }
    }
    const choice = body.fields(member)
    if (choice !== undefined) return decodeNamed(choice)
  }
  return undefined
}

function decodeNamed(choice: Fields): ToolChoice {
  const allowed = choice.fields('allowed_tools')
  if (allowed !== undefined) {
    const mode = allowed.oneOf('mode', ['auto', 'required'] as const) ?? 'auto'
    const names = (allowed.items('tools') ?? []).map((tool) =>
      (tool.fields('function') ?? tool.fields('custom') ?? tool).text('name'),
    )
    return { type: 'allowed', mode, names }
  }
  const named = choice.fields('function') ?? choice.fields('custom') ?? choice
  return { type: 'tool', name: named.text('name') }
}

/** A choice among some of the tools, for upstreams that do not know it: they are told of no others. */
export function withoutAllowedTools(request: ModelRequest, { vendor, own, losses }: Spelling): ModelRequest {
  const { toolChoice } = request
  if (toolChoice?.type !== 'allowed' || vendor || own) return request
  losses.adapt('tool_choice')
  const names = new Set(toolChoice.names)
  const tools = request.tools.filter((tool) => tool.type === 'builtin' || names.has(tool.name))
  return { ...request, tools, toolChoice: { type: toolChoice.mode } }
}

/** Nothing without tools: the vendor refuses the member then. */
export function encodeToolChoice(request: ModelRequest, { own, losses }: Spelling): JsonObject {
  const { tools } = request
  if (tools.every((tool) => tool.type === 'builtin')) return {}
  const toolChoice = own ? request.toolChoice : choiceOfFunctions(request, losses)
  if (toolChoice === undefined) return {}
  const reference = (name: string): JsonObject => {
    const custom = tools.some((tool) => tool.type === 'custom' && tool.name === name)
    return custom ? { type: 'custom', custom: { name } } : { type: 'function', function: { name } }
  }
  switch (toolChoice.type) {
    case 'tool':
      return { tool_choice: reference(toolChoice.name) }
    case 'allowed': {
      const allowed = { mode: toolChoice.mode, tools: toolChoice.names.map(reference) }
      return { tool_choice: { type: 'allowed_tools', allowed_tools: allowed } }
    }
    default:
      return { tool_choice: toolChoice.type }
  }
}

/** An object without the members that are undefined. */
function said(members: Readonly<Record<string, unknown>>): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}
