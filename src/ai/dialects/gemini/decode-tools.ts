import { FieldProblem, type Fields } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { leftOver } from '../../ir/losses.ts'
import type { BuiltinKind, FunctionTool, Tool, ToolChoice } from '../../ir/request.ts'
import { toJsonSchema } from './schema-choice.ts'
import { camelItems, camelMember, camelMembers } from './spelling.ts'

export interface DecodedTools {
  readonly tools: readonly Tool[]
  readonly toolChoice: ToolChoice | undefined
  /** What else `toolConfig` says. */
  readonly toolConfig: JsonObject | undefined
}

/** Tools that the vendor runs and others have as well. */
const KINDS: Readonly<Record<string, BuiltinKind>> = {
  googleSearch: 'web-search',
  googleSearchRetrieval: 'web-search',
  enterpriseWebSearch: 'web-search',
  codeExecution: 'code-execution',
  urlContext: 'url-context',
  fileSearch: 'file-search',
  computerUse: 'computer',
}

export function decodeTools(fields: Fields): DecodedTools {
  const tools: Tool[] = []
  for (const item of camelItems(fields, 'tools') ?? []) {
    for (const declaration of camelItems(item, 'functionDeclarations') ?? []) tools.push(decodeFunction(declaration))
    for (const [name, value] of Object.entries(item.rest() ?? {})) {
      tools.push({ type: 'builtin', kind: KINDS[name] ?? 'other', definition: { [name]: value } })
    }
  }
  const config = camelMember(fields, 'toolConfig')
  if (config === undefined) return { tools, toolChoice: undefined, toolConfig: undefined }
  const calling = camelMember(config, 'functionCallingConfig')
  const choice = calling === undefined ? undefined : decodeChoice(calling)
  const rest = calling?.rest()
  const toolConfig = { ...config.rest(), ...(rest !== undefined && { functionCallingConfig: rest }) }
  return {
    // VALIDATED holds every call to its schema, as `strict` does elsewhere.
    tools: choice?.validated === true ? tools.map(strict) : tools,
    toolChoice: choice?.choice,
    toolConfig: Object.keys(toolConfig).length > 0 ? leftOver(toolConfig) : undefined,
  }
}

function strict(tool: Tool): Tool {
  return tool.type === 'function' ? { ...tool, strict: true } : tool
}

function decodeFunction(declaration: Fields): FunctionTool {
  const own = declaration.object('parameters')
  const json = declaration.value('parametersJsonSchema')
  if (json !== undefined && !isObject(json)) throw declaration.problem('parametersJsonSchema', 'an object')
  if (own !== undefined && json !== undefined) {
    throw new FieldProblem(declaration.at('parametersJsonSchema'), 'parameters must be absent when it is set')
  }
  const name = declaration.text('name')
  const description = declaration.string('description')
  const parameters = json ?? (own === undefined ? undefined : toJsonSchema(own))
  const extra = declaration.rest()
  return {
    type: 'function',
    name,
    ...(description !== undefined && { description }),
    ...(parameters !== undefined && { parameters }),
    ...(extra !== undefined && { extra: camelMembers(extra) }),
  }
}

interface Choice {
  readonly choice: ToolChoice | undefined
  readonly validated: boolean
}

function decodeChoice(calling: Fields): Choice {
  const names = calling.strings('allowedFunctionNames') ?? []
  const mode = calling.oneOf('mode', ['MODE_UNSPECIFIED', 'AUTO', 'ANY', 'NONE', 'VALIDATED'])
  switch (mode) {
    case 'NONE':
      return { choice: { type: 'none' }, validated: false }
    case 'ANY': {
      const [name] = names
      if (name === undefined) return { choice: { type: 'required' }, validated: false }
      const choice: ToolChoice =
        names.length === 1 ? { type: 'tool', name } : { type: 'allowed', mode: 'required', names }
      return { choice, validated: false }
    }
    case 'VALIDATED': {
      if (names.length === 0) return { choice: { type: 'auto' }, validated: true }
      return { choice: { type: 'allowed', mode: 'auto', names }, validated: false }
    }
    default:
      if (names.length > 0) throw calling.problem('allowedFunctionNames', 'the mode ANY or VALIDATED beside it')
      return {
        choice: mode === undefined || mode === 'MODE_UNSPECIFIED' ? undefined : { type: 'auto' },
        validated: false,
      }
  }
}
