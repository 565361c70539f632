import { isObject, type JsonObject } from '../../ir/json.ts'
import type { BuiltinKind, BuiltinTool, FunctionTool, ModelRequest } from '../../ir/request.ts'
import { builtinPath } from '../carried.ts'
import type { EncodeContext } from '../dialect.ts'
import { limitsOf } from '../hosted-tools.ts'
import { choiceOfFunctions } from '../known-choice.ts'
import { merged } from './encode-config.ts'
import { isThirdGeneration } from './model-generation.ts'
import { chooseSchema, type SchemaChoosing, schemaChoosing } from './schema-choice.ts'

/** Tools of other vendors that this one has, too. */
const BUILTINS: Partial<Readonly<Record<BuiltinKind, string>>> = {
  'web-search': 'googleSearch',
  'code-execution': 'codeExecution',
  'url-context': 'urlContext',
}

/** `tools` and `toolConfig`. */
export function encodeTools(request: ModelRequest, context: EncodeContext): JsonObject {
  const { losses, model } = context
  const own = request.dialect === 'gemini'
  const functions: JsonObject[] = []
  const builtins: JsonObject[] = []
  const choosing = schemaChoosing(context)
  let strict = 0
  for (const tool of request.tools) {
    switch (tool.type) {
      case 'function':
        if (tool.strict === true) strict++
        functions.push(encodeFunction(tool, request, choosing))
        break
      case 'custom':
        break
      case 'builtin': {
        const encoded = own ? tool.definition : encodeBuiltin(tool, context)
        if (encoded !== null) builtins.push(encoded)
      }
    }
  }
  let mixed = !own && functions.length > 0 && builtins.length > 0
  if (mixed && !isThirdGeneration(model)) {
    // Older models take functions or the vendor's tools, never both.
    losses.drop('tools[].builtin')
    builtins.length = 0
    mixed = false
  }
  const tools = [...(functions.length > 0 ? [{ functionDeclarations: functions }] : []), ...builtins]
  const kept = own ? request.extra?.['toolConfig'] : undefined
  const calling = encodeChoice(request, { functions: functions.length, strict }, losses)
  const made = {
    ...(calling !== null && { functionCallingConfig: calling }),
    ...(mixed && { includeServerSideToolInvocations: true }),
  }
  const toolConfig = isObject(kept) ? merged(made, kept) : made
  return { ...(tools.length > 0 && { tools }), ...(Object.keys(toolConfig).length > 0 && { toolConfig }) }
}

function encodeFunction(tool: FunctionTool, request: ModelRequest, choosing: SchemaChoosing): JsonObject {
  const own = request.dialect === 'gemini'
  const { parameters } = tool
  // An object without members is refused in `parameters`; a function that takes nothing has none.
  const takes = parameters !== undefined && !isEmptyObject(parameters)
  const chosen = takes ? chooseSchema(parameters, 'tools[].parameters', choosing) : null
  return {
    name: tool.name,
    ...(tool.description !== undefined && { description: tool.description }),
    ...(chosen !== null && { [chosen.form === 'json' ? 'parametersJsonSchema' : 'parameters']: chosen.schema }),
    ...(own && tool.extra),
  }
}

function isEmptyObject(schema: JsonObject): boolean {
  const { properties, additionalProperties, $ref, anyOf, oneOf, allOf } = schema
  if (($ref ?? anyOf ?? oneOf ?? allOf) !== undefined || isObject(additionalProperties)) return false
  return properties === undefined || (isObject(properties) && Object.keys(properties).length === 0)
}

function encodeBuiltin(tool: BuiltinTool, { losses }: EncodeContext): JsonObject | null {
  const name = BUILTINS[tool.kind]
  if (name === undefined) {
    losses.drop(builtinPath(tool))
    return null
  }
  losses.adapt(builtinPath(tool))
  limitsOf(tool, losses)
  return { [name]: {} }
}

function encodeChoice(
  request: ModelRequest,
  { functions, strict }: { readonly functions: number; readonly strict: number },
  losses: EncodeContext['losses'],
): JsonObject | null {
  // Without functions there is nothing to choose from.
  if (functions === 0) return null
  const choice = choiceOfFunctions(request, losses)
  if (strict === functions && (choice === undefined || choice.type === 'auto')) {
    // Holds calls to their schemas, as `strict` asks for.
    if (request.dialect !== 'gemini') losses.adapt('tools[].strict')
    return { mode: 'VALIDATED' }
  }
  if (strict > 0) losses.drop('tools[].strict')
  switch (choice?.type) {
    case undefined:
      return null
    case 'auto':
      return { mode: 'AUTO' }
    case 'none':
      return { mode: 'NONE' }
    case 'required':
      return { mode: 'ANY' }
    case 'tool':
      return { mode: 'ANY', allowedFunctionNames: [choice.name] }
    case 'allowed':
      return { mode: choice.mode === 'auto' ? 'VALIDATED' : 'ANY', allowedFunctionNames: choice.names }
  }
}
