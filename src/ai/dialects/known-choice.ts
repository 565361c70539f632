import { FieldProblem } from '../ir/fields.ts'
import type { Losses } from '../ir/losses.ts'
import type { ModelRequest, Tool, ToolChoice } from '../ir/request.ts'

/** Refuses a choice of tools of which the request offers none, as every vendor does; of several, the unknown ones are left out. */
export function withKnownChoice(request: ModelRequest, losses: Losses): ModelRequest {
  const { toolChoice: choice, tools } = request
  if (choice?.type !== 'tool' && choice?.type !== 'allowed') return request
  const offered = new Set(tools.map(nameOf))
  const known = chosenNames(choice).filter((name) => offered.has(name))
  if (known.length === 0) throw new FieldProblem('tool_choice', 'names no tool that the request offers')
  if (choice.type === 'tool' || known.length === choice.names.length) return request
  losses.drop('tool_choice')
  return { ...request, toolChoice: { ...choice, names: known, said: undefined } }
}

/**
 * The choice for an upstream that is told of functions alone: a tool that a vendor runs cannot be called for by name there. Undefined,
 * with a report, when nothing is left to choose.
 */
export function choiceOfFunctions({ toolChoice: choice, tools }: ModelRequest, losses: Losses): ToolChoice | undefined {
  if (choice?.type !== 'tool' && choice?.type !== 'allowed') return choice
  const functions = new Set(tools.flatMap((tool) => (tool.type === 'builtin' ? [] : [tool.name])))
  const known = chosenNames(choice).filter((name) => functions.has(name))
  if (known.length === chosenNames(choice).length) return choice
  losses.drop('tool_choice')
  return known.length === 0 || choice.type === 'tool' ? undefined : { ...choice, names: known }
}

function chosenNames(choice: Extract<ToolChoice, { type: 'tool' | 'allowed' }>): readonly string[] {
  return choice.type === 'tool' ? [choice.name] : choice.names
}

function nameOf(tool: Tool): unknown {
  return tool.type === 'builtin' ? (tool.definition['name'] ?? tool.definition['type']) : tool.name
}
