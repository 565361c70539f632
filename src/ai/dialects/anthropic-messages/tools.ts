import type { Fields } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type { BuiltinKind, BuiltinTool, FunctionTool, Tool, ToolChoice } from '../../ir/request.ts'
import { builtinPath } from '../carried.ts'
import { type HostedLimits, limitsOf } from '../hosted-tools.ts'
import { type Block, type CacheMarks, readCache } from './cache.ts'
import { addExtra, type Writing } from './media.ts'
import { isHoldable, withinSubset } from './output-schema.ts'

/** What the types of the vendor's own tools begin with; a date follows. */
const KINDS: readonly (readonly [string, BuiltinKind])[] = [
  ['web_search', 'web-search'],
  ['web_fetch', 'url-context'],
  ['code_execution', 'code-execution'],
  ['computer', 'computer'],
  ['bash', 'shell'],
  ['text_editor', 'text-editor'],
]

/** The vendor's own tool of each kind that another vendor's can stand for: both run on the vendor's side. */
const EQUALS: Partial<Record<BuiltinKind, JsonObject>> = {
  'web-search': { type: 'web_search_20250305', name: 'web_search' },
  'url-context': { type: 'web_fetch_20250910', name: 'web_fetch' },
  'code-execution': { type: 'code_execution_20250825', name: 'code_execution' },
}

const HELD: Partial<Record<BuiltinKind, ReadonlySet<keyof HostedLimits>>> = {
  'web-search': new Set(['allowedDomains', 'blockedDomains', 'maxUses', 'location']),
  'url-context': new Set(['allowedDomains', 'blockedDomains', 'maxUses']),
}

export function decodeTool(tool: Fields): Tool {
  const type = tool.string('type') ?? 'custom'
  const cache = readCache(tool)
  if (type !== 'custom') {
    const kind = KINDS.find(([start]) => type.startsWith(start))?.[1] ?? 'other'
    return { type: 'builtin', kind, definition: { type, ...tool.rest() }, cache }
  }
  return {
    type: 'function',
    name: tool.text('name'),
    description: tool.string('description'),
    parameters: tool.object('input_schema'),
    strict: tool.boolean('strict'),
    cache,
    extra: tool.rest(),
  }
}

export interface DecodedChoice {
  readonly toolChoice: ToolChoice | undefined
  readonly parallelToolCalls: boolean | undefined
}

export function decodeToolChoice(choice: Fields | undefined): DecodedChoice {
  if (choice === undefined) return { toolChoice: undefined, parallelToolCalls: undefined }
  const disabled = choice.boolean('disable_parallel_tool_use')
  const parallelToolCalls = disabled === undefined ? undefined : !disabled
  switch (choice.oneOf('type', ['auto', 'any', 'tool', 'none'])) {
    case 'any':
      return { toolChoice: { type: 'required' }, parallelToolCalls }
    case 'tool':
      return { toolChoice: { type: 'tool', name: choice.text('name') }, parallelToolCalls }
    case 'none':
      return { toolChoice: { type: 'none' }, parallelToolCalls }
    case 'auto':
      return { toolChoice: { type: 'auto' }, parallelToolCalls }
    case undefined:
      throw choice.problem('type', 'a string')
  }
}

/** Tools for the API; those that it has no equal for are reported. */
export function encodeTools(tools: readonly Tool[], writing: Writing, marks: CacheMarks): Block[] {
  return tools.flatMap((tool): Block[] => {
    const block = encodeTool(tool, writing)
    if (block === null) return []
    return [tool.type === 'custom' ? block : marks.put(block, tool.cache)]
  })
}

function encodeTool(tool: Tool, writing: Writing): Block | null {
  const { own, losses } = writing
  switch (tool.type) {
    case 'function':
      return encodeFunction(tool, writing)
    case 'custom': {
      losses.adapt('tools[].custom')
      const properties = { input: { type: 'string' } }
      return {
        name: tool.name,
        ...(tool.description === undefined ? {} : { description: tool.description }),
        input_schema: { type: 'object', properties, required: ['input'] },
      }
    }
    case 'builtin': {
      if (own) return { ...tool.definition }
      const equal = EQUALS[tool.kind]
      if (equal === undefined) {
        losses.drop(builtinPath(tool))
        return null
      }
      losses.adapt(builtinPath(tool))
      return { ...equal, ...heldLimits(tool, losses) }
    }
  }
}

/** What the vendor holds searches and fetches to; of the two lists of domains it takes one. */
function heldLimits(tool: BuiltinTool, losses: Losses): JsonObject {
  const { allowedDomains, blockedDomains, maxUses, location } = limitsOf(tool, losses, HELD[tool.kind])
  if (allowedDomains !== undefined && blockedDomains !== undefined) losses.drop(`${builtinPath(tool)}.blocked_domains`)
  return {
    ...(maxUses !== undefined && { max_uses: maxUses }),
    ...(allowedDomains !== undefined && { allowed_domains: allowedDomains }),
    ...(allowedDomains === undefined && blockedDomains !== undefined && { blocked_domains: blockedDomains }),
    ...(location !== undefined && { user_location: { type: 'approximate', ...location } }),
  }
}

function encodeFunction(tool: FunctionTool, writing: Writing): Block {
  const block: Block = { name: tool.name }
  if (tool.description !== undefined) block['description'] = tool.description
  const given = objectSchema(tool.parameters)
  const schema = writing.own ? given : withoutAllOf(given, writing.losses)
  const strict = writing.own ? tool.strict : isHeld(tool, schema, writing.losses)
  block['input_schema'] =
    strict === true && !writing.own ? withinSubset(schema, writing.losses, 'tools[].parameters') : schema
  if (strict !== undefined) block['strict'] = strict
  addExtra(block, tool.extra, 'tools[]', writing)
  return block
}

/** Whether a model is held to a tool's schema: it cannot be to one that would say something else then, which is reported. */
export function isHeld({ strict, name }: FunctionTool, schema: JsonObject, losses: Losses): true | undefined {
  if (strict !== true) return undefined
  if (isHoldable(schema) || takesNothing(schema)) return true
  losses.drop(`tools[].strict.${name}`)
  return undefined
}

/** A tool without arguments says no more than that it takes an object. */
function takesNothing({ properties, additionalProperties, patternProperties, $ref, allOf, anyOf, oneOf }: JsonObject) {
  const none = properties === undefined || (isObject(properties) && Object.keys(properties).length === 0)
  return none && (additionalProperties ?? patternProperties ?? $ref ?? allOf ?? anyOf ?? oneOf) === undefined
}

/** The API wants the schema of an object; without one the tool takes nothing. */
export function objectSchema(parameters: JsonObject | undefined): JsonObject {
  if (parameters === undefined) return { type: 'object', properties: {} }
  return parameters['type'] === 'object' ? parameters : { ...parameters, type: 'object' }
}

const JOINED: ReadonlySet<string> = new Set(['type', 'title', 'description', 'properties', 'required'])

/** The API takes no `allOf` at the top of a tool's schema: plain objects in it are one object with the members of all. */
export function withoutAllOf(schema: JsonObject, losses: Losses): JsonObject {
  const { allOf, ...rest } = schema
  if (!Array.isArray(allOf)) return schema
  const parts = [...allOf, rest].filter(isObject)
  const plain = allOf.every((item) => isObject(item) && Object.keys(item).every((name) => JOINED.has(name)))
  const properties = parts.flatMap((part) => Object.entries(isObject(part['properties']) ? part['properties'] : {}))
  const names = new Set(properties.map(([name]) => name))
  if (!plain || names.size < properties.length) return schema
  losses.adapt('tools[].parameters.allOf')
  const required = parts.flatMap((part): unknown[] => (Array.isArray(part['required']) ? part['required'] : []))
  return {
    ...rest,
    properties: Object.fromEntries(properties),
    ...(required.length === 0 ? {} : { required: [...new Set(required)] }),
  }
}

export interface ChoiceWords {
  readonly choice: ToolChoice | undefined
  readonly parallel: boolean | undefined
}

/** `tool_choice`; undefined when the API's own default says the same. */
export function encodeToolChoice({ choice, parallel }: ChoiceWords): JsonObject | undefined {
  if (choice?.type === 'none') return { type: 'none' }
  const one = parallel === undefined ? {} : { disable_parallel_tool_use: !parallel }
  if (choice === undefined) return parallel === false ? { type: 'auto', ...one } : undefined
  switch (choice.type) {
    case 'auto':
      return { type: 'auto', ...one }
    case 'required':
      return { type: 'any', ...one }
    case 'tool':
      return { type: 'tool', name: choice.name, ...one }
    case 'allowed':
      return { type: choice.mode === 'required' ? 'any' : 'auto', ...one }
  }
}
