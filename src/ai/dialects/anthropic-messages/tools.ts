import type { Fields } from '../../ir/fields.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { BuiltinKind, FunctionTool, Tool, ToolChoice } from '../../ir/request.ts'
import { type Block, type CacheMarks, readCache } from './cache.ts'
import { addExtra, type Writing } from './media.ts'
import { withinSubset } from './output-schema.ts'

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
        losses.drop(`tools[].${tool.kind}`)
        return null
      }
      losses.adapt(`tools[].${tool.kind}`)
      return { ...equal }
    }
  }
}

function encodeFunction(tool: FunctionTool, writing: Writing): Block {
  const block: Block = { name: tool.name }
  if (tool.description !== undefined) block['description'] = tool.description
  const schema = objectSchema(tool.parameters)
  const held = tool.strict === true && !writing.own
  block['input_schema'] = held ? withinSubset(schema, writing.losses, 'tools[].parameters') : schema
  if (tool.strict === true || (tool.strict === false && writing.own)) block['strict'] = tool.strict
  addExtra(block, tool.extra, 'tools[]', writing)
  return block
}

/** The API wants the schema of an object; without one the tool takes nothing. */
export function objectSchema(parameters: JsonObject | undefined): JsonObject {
  if (parameters === undefined) return { type: 'object', properties: {} }
  return parameters['type'] === 'object' ? parameters : { ...parameters, type: 'object' }
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
