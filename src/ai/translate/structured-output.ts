import { FieldProblem } from '../ir/fields.ts'
import type { Losses } from '../ir/losses.ts'
import type { FunctionTool, ModelRequest, OutputFormat, ToolChoice } from '../ir/request.ts'

/** The tool whose arguments are the output. Underscores keep clear of a client's names. */
export const OUTPUT_TOOL = '__structured_output__'

/**
 * Asks for structured output by a tool that the model must call, for models that have no better way. With tools of the
 * client's own it must call one of all; a model that thinks cannot be forced, and is told instead.
 */
export function withOutputTool(request: ModelRequest, losses: Losses): ModelRequest {
  const { output, reasoning } = request.parameters
  if (output === undefined || output.type === 'text') return request
  losses.adapt('response_format')
  const thinks = reasoning !== undefined && reasoning.mode !== 'disabled' && reasoning.effort !== 'none'
  const forced: ToolChoice = request.tools.length === 0 ? { type: 'tool', name: OUTPUT_TOOL } : { type: 'required' }
  const told = 'Give your final answer by calling this tool, once, and write no text beside it.'
  return {
    ...request,
    tools: [...request.tools, outputTool(output, told)],
    toolChoice: thinks ? { type: 'auto' } : forced,
    parameters: { ...request.parameters, output: undefined, parallelToolCalls: undefined },
  }
}

function outputTool(output: Exclude<OutputFormat, { type: 'text' }>, told: string): FunctionTool {
  if (output.type === 'json') {
    return { type: 'function', name: OUTPUT_TOOL, description: told, parameters: { type: 'object' } }
  }
  const { description, schema, strict } = output
  const text = description === undefined ? told : `${description}\n${told}`
  // A tool's input is an object; any other schema goes into one.
  const parameters = schema['type'] === 'object' ? schema : wrapped(schema)
  return { type: 'function', name: OUTPUT_TOOL, description: text, parameters, strict }
}

/** The member that holds an output which is no object itself. */
export const WRAPPED = 'output'

function wrapped(schema: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { type: 'object', properties: { [WRAPPED]: schema }, required: [WRAPPED], additionalProperties: false }
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
