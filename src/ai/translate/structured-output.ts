import { FieldProblem } from '../ir/fields.ts'
import { isObject, writeJson } from '../ir/json.ts'
import type { Losses } from '../ir/losses.ts'
import type { FunctionTool, Message, ModelRequest, OutputFormat, ToolChoice } from '../ir/request.ts'

/** The tool whose arguments are the output. Underscores keep clear of a client's names. */
export const OUTPUT_TOOL = '__structured_output__'

/**
 * Asks for structured output by a tool that the model must call, for models that have no better way. With tools of the
 * client's own it must call one of all; a model that thinks cannot be forced, and is told instead.
 */
export function withOutputTool(request: ModelRequest, held: boolean, losses: Losses): ModelRequest {
  const { output, reasoning } = request.parameters
  if (output === undefined || output.type === 'text') return request
  losses.adapt('response_format')
  const thinks = reasoning !== undefined && reasoning.mode !== 'disabled' && reasoning.effort !== 'none'
  const forced: ToolChoice = request.tools.length === 0 ? { type: 'tool', name: OUTPUT_TOOL } : { type: 'required' }
  const told = 'Give your final answer by calling this tool, once, and write no text beside it.'
  return {
    ...request,
    tools: [...request.tools, outputTool(output, told, held)],
    toolChoice: thinks ? { type: 'auto' } : forced,
    parameters: { ...request.parameters, output: undefined, parallelToolCalls: undefined },
  }
}

/**
 * Asks for JSON, and tells the schema in words, for vendors who hold their models to no schema and force no tool on one that
 * thinks. What comes is JSON, but nobody vouches for its members.
 */
export function withToldSchema(request: ModelRequest, losses: Losses): ModelRequest {
  const { output } = request.parameters
  if (output?.type !== 'json-schema') return request
  losses.adapt('response_format')
  const what = output.description === undefined ? '' : `It is: ${output.description}\n`
  const text = `Answer with one JSON object and nothing else. ${what}It must be valid by this JSON Schema:\n${writeJson(output.schema)}`
  const { messages } = request
  const first = messages.findIndex(({ role }) => role !== 'system')
  const at = first < 0 ? messages.length : first
  const told: Message = { role: 'system', authority: 'system', parts: [{ type: 'text', text }] }
  return {
    ...request,
    messages: [...messages.slice(0, at), told, ...messages.slice(at)],
    parameters: { ...request.parameters, output: { type: 'json' } },
  }
}

function outputTool(output: Exclude<OutputFormat, { type: 'text' }>, told: string, held: boolean): FunctionTool {
  if (output.type === 'json') {
    return { type: 'function', name: OUTPUT_TOOL, description: told, parameters: { type: 'object' } }
  }
  const { description, schema, strict } = output
  const text = description === undefined ? told : `${description}\n${told}`
  // A tool's input is an object; any other schema goes into one.
  const parameters = schema['type'] === 'object' ? schema : wrapped(schema)
  return { type: 'function', name: OUTPUT_TOOL, description: text, parameters, strict: held ? strict : undefined }
}

/** The member that holds an output which is no object itself. */
export const WRAPPED = 'output'

function wrapped(schema: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { $defs, definitions, ...inner } = schema
  return {
    type: 'object',
    properties: { [WRAPPED]: moved(inner) },
    required: [WRAPPED],
    additionalProperties: false,
    ...($defs === undefined ? {} : { $defs: moved($defs) }),
    ...(definitions === undefined ? {} : { definitions: moved(definitions) }),
  }
}

/** Values that a schema holds as data. */
const DATA: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'example', 'examples'])
/** Definitions stay at the root, so that what points to them still does. */
const KEPT = /^#\/(?:\$defs|definitions)(?:\/|$)/

/** A part of a schema whose root is one member deeper now: what points to the root, or into it, points there. */
function moved(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(moved)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      if (name === '$ref' && typeof item === 'string') return [name, movedReference(item)]
      return [name, DATA.has(name) ? item : moved(item)]
    }),
  )
}

function movedReference(reference: string): string {
  if (!/^#(?:\/|$)/.test(reference) || KEPT.test(reference)) return reference
  return `#/properties/${WRAPPED}${reference.slice(1)}`
}

/** Whether the output that is asked for goes into an object of ours. */
export function isWrapped(output: OutputFormat | undefined): boolean {
  return output?.type === 'json-schema' && output.schema['type'] !== 'object'
}

/** A model that can do neither: the client is told before anything is sent. */
export function refuseOutput(output: OutputFormat | undefined): void {
  if (output === undefined || output.type === 'text') return
  throw new FieldProblem('response_format', 'this model has no structured output')
}
