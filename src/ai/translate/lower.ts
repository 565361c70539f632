import type { Capabilities, DialectTraits, OutputWay } from '../dialects/dialect.ts'
import { withKnownChoice } from '../dialects/known-choice.ts'
import { FieldProblem } from '../ir/fields.ts'
import type { Losses } from '../ir/losses.ts'
import { PARAMETER_NAMES, type ParameterName } from '../ir/parameter-names.ts'
import type { AssistantPart } from '../ir/parts.ts'
import type { Message, ModelRequest, OutputFormat, Parameters, Tool, ToolChoice } from '../ir/request.ts'
import { unsupported } from '../relay/refused-members.ts'
import { withinAbilities } from './abilities.ts'
import { withCallIds } from './call-ids.ts'
import { withoutCustomCalls, withoutCustomTools } from './custom-tools.ts'
import { withoutNamespaces } from './namespaces.ts'
import { withPairedCalls } from './paired-calls.ts'
import { withOwnSeals } from './seals.ts'
import { isWrapped, refuseOutput, withOutputTool, withToldSchema } from './structured-output.ts'
import { ToolNames } from './tool-names.ts'
import { withLeadingInstructions, withTurns } from './turns.ts'

/** What to do about a parameter that the model is known to refuse: left out, with a line in the log or without; or refused. */
export type OnUnsupported = 'warn' | 'drop' | 'reject'

export interface LoweringTarget {
  readonly traits: DialectTraits
  readonly capabilities: Capabilities
  readonly onUnsupported: OnUnsupported
}

/** What `raise.ts` must know to put an answer into the client's words again. */
export interface Undo {
  readonly names: ToolNames
  /** Tools of the client that take free text, and went out as functions. */
  readonly custom: ReadonlySet<string>
  /** The answer is the input of a tool. */
  readonly outputTool: boolean
  /** That input holds the answer in a member of its own. */
  readonly wrappedOutput: boolean
}

export interface Lowered {
  readonly request: ModelRequest
  readonly undo: Undo
}

/**
 * Prepares a request for what an upstream's dialect and model can say. Throws a FieldProblem for what must not be left out in
 * silence: several answers, structured output, and by configuration any parameter that the model refuses.
 */
export function lower(request: ModelRequest, target: LoweringTarget, losses: Losses): Lowered {
  const { traits, capabilities } = target
  const { choices, output } = request.parameters
  if (choices !== undefined && choices > 1 && !traits.choices) {
    throw new FieldProblem('n', 'this model gives one answer at a time')
  }
  const parameters = withoutRefused(request.parameters, target, losses)
  let lowered: ModelRequest = withinAbilities({ ...withKnownChoice(request, losses), parameters }, target, losses)
  const way = outputWay(output, target)
  const byTool = way === 'tool'
  if (way === 'none') refuseOutput(output)
  if (byTool) lowered = withOutputTool(lowered, output !== undefined && isHeld(output, traits), losses)
  if (way === 'json') lowered = withToldSchema(lowered, losses)

  if (traits.namespaces !== true) lowered = withoutNamespaces(lowered, losses)
  const custom = new Set(lowered.tools.filter((tool) => tool.type === 'custom').map((tool) => tool.name))
  let { messages, tools } = lowered
  if (!traits.customTools) {
    tools = withoutCustomTools(tools, losses)
    messages = withoutCustomCalls(messages)
  }
  messages = withOwnSeals(messages, traits, capabilities.family, losses)
  messages = withCallIds(messages, traits.callId, losses)
  if (traits.pairsCalls) messages = withPairedCalls(messages, losses)
  if (traits.instructions === 'leading') messages = withLeadingInstructions(messages, losses)
  if (traits.alternates) messages = withTurns(messages, losses)

  const names = new ToolNames(traits.toolName)
  tools = tools.map((tool) => renamed(tool, names))
  messages = messages.map((message) => renamedIn(message, names))
  const toolChoice = renamedChoice(lowered.toolChoice, names)
  if (names.replacing) losses.adapt('tools[].name')
  const undo: Undo = {
    names,
    custom: traits.customTools ? NONE : custom,
    outputTool: byTool,
    wrappedOutput: byTool && isWrapped(output),
  }
  return { request: { ...lowered, messages, tools, toolChoice }, undo }
}

const NONE: ReadonlySet<string> = new Set()

/** How structured output is asked for: the worse of what the dialect can say and what the model can do. */
function outputWay(output: OutputFormat | undefined, { traits, capabilities }: LoweringTarget): OutputWay | 'json' {
  if (output === undefined || output.type === 'text') return 'native'
  const said = output.type === 'json' ? traits.output?.json : traits.output?.schema
  const can = capabilities.structuredOutput
  if (said === 'none' || can === 'none') return 'none'
  // Such a vendor takes no other form than an object.
  if (said === 'json' && can !== 'tool' && output.type === 'json-schema' && output.schema['type'] === 'object')
    return 'json'
  if ((said ?? 'native') === 'native' && can !== 'tool' && isHeld(output, traits)) return 'native'
  return capabilities.tools === false ? 'none' : 'tool'
}

function isHeld(output: OutputFormat, { output: ways }: DialectTraits): boolean {
  return output.type !== 'json-schema' || ways?.holds === undefined || ways.holds(output.schema)
}

/** A model that cannot think is asked for no thought; that it shall not think is what it does. */
function refusedOf({ reasoning }: Parameters, { refuses, reasoning: way }: Capabilities): ReadonlySet<string> {
  const asks = reasoning !== undefined && reasoning.mode !== 'disabled' && reasoning.effort !== 'none'
  return way === 'none' && asks ? new Set([...refuses, PARAMETER_NAMES.reasoning]) : refuses
}

function withoutRefused(parameters: Parameters, target: LoweringTarget, losses: Losses): Parameters {
  const refuses = refusedOf(parameters, target.capabilities)
  if (refuses.size === 0) return parameters
  let kept: Record<string, unknown> | null = null
  // The keys of `Parameters` are its parameters: nothing else is in there.
  for (const name of Object.keys(parameters) as ParameterName[]) {
    const publicName = PARAMETER_NAMES[name]
    if (parameters[name] === undefined || !refuses.has(publicName)) continue
    if (target.onUnsupported === 'reject') throw unsupported(publicName)
    losses.drop(publicName)
    kept ??= { ...parameters }
    delete kept[name]
  }
  return kept ?? parameters
}

function renamed(tool: Tool, names: ToolNames): Tool {
  // Groups go out as they came.
  if (tool.type === 'builtin' || tool.namespace !== undefined) return tool
  const name = names.wire(tool.name)
  return name === tool.name ? tool : { ...tool, name }
}

function renamedIn(message: Message, names: ToolNames): Message {
  if (message.role === 'assistant') {
    const calls = message.parts.some((part) => part.type === 'tool-call')
    if (!calls) return message
    const parts = message.parts.map((part): AssistantPart => {
      if (part.type !== 'tool-call' || part.namespace !== undefined) return part
      return { ...part, name: names.wire(part.name) }
    })
    return { ...message, parts }
  }
  if (message.role !== 'tool') return message
  const parts = message.parts.map((part) => {
    return part.name === undefined ? part : { ...part, name: names.wire(part.name) }
  })
  return { ...message, parts }
}

function renamedChoice(choice: ToolChoice | undefined, names: ToolNames): ToolChoice | undefined {
  if (choice === undefined) return undefined
  if ((choice.type === 'tool' || choice.type === 'allowed') && choice.said !== undefined) return choice
  if (choice.type === 'tool') return { type: 'tool', name: names.wire(choice.name) }
  if (choice.type === 'allowed') return { ...choice, names: choice.names.map((name) => names.wire(name)) }
  return choice
}
