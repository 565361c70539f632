import { lastQuestion } from './compose.ts'
import type { ConversationRequest, Tool } from './request-types.ts'
import { type Hints, type Schema, valueFor } from './schema-value.ts'

/** A call that the demo model decided on. */
export interface DecidedCall {
  readonly name: string
  /** JSON text that fits the function's parameters. */
  readonly arguments: string
}

const MAX_CALLS = 8
const MAX_QUESTION = 4_000
/** Words in functions' names that say nothing of what they are about. */
const GENERIC = new Set(
  'add call check create current data delete do fetch find for from function get in info list lookup make my new of on query read run set show tool update use with write'.split(
    ' ',
  ),
)

/** The calls that a request gets instead of a text; empty when it gets a text. */
export function decideCalls(request: ConversationRequest): DecidedCall[] {
  if (request.tools.length === 0 || request.toolChoice === 'none') return []
  const question = lastQuestion(request.messages).slice(0, MAX_QUESTION)
  const tools = chooseTools(request, question)
  const [only] = tools
  const calls =
    tools.length === 1 && only !== undefined && request.parallelToolCalls
      ? callsOf(only, question)
      : tools.map((tool) => callOf(tool, hintsOf(question)))
  return calls.slice(0, request.parallelToolCalls ? MAX_CALLS : 1)
}

function chooseTools(request: ConversationRequest, question: string): Tool[] {
  const { tools, toolChoice, behaviour } = request
  if (typeof toolChoice === 'object')
    return tools.filter((tool) => tool.function.name === toolChoice.forced).slice(0, 1)
  const asked = tools.filter((tool) => isAskedFor(tool.function.name, question))
  if (toolChoice === 'required') return asked.length > 0 ? asked : tools.slice(0, 1)
  // Its own calls were answered: now it is time for a text.
  if (request.messages.at(-1)?.role === 'tool') return []
  if (asked.length > 0) return asked
  const always = behaviour.kind === 'chat' && behaviour.tools === 'always'
  const inGeneral = /\b(?:use|call|run|invoke)\b[^.?!]{0,40}\b(?:tools?|functions?)\b/i.test(question)
  return always || inGeneral ? tools.slice(0, 1) : []
}

/** True when the question names the function, or a word of its name that says what it is about. */
function isAskedFor(name: string, question: string): boolean {
  const text = question.toLowerCase()
  if (text.includes(name.toLowerCase())) return true
  const words = new Set(text.match(/[a-z0-9]+/g)?.flatMap((word) => [word, word.replace(/s$/, '')]))
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .some((word) => word.length >= 3 && !GENERIC.has(word) && words.has(word.replace(/s$/, '')))
}

/** One call, or one for each thing that the question names when the function takes a single text. */
function callsOf(tool: Tool, question: string): DecidedCall[] {
  const hints = hintsOf(question)
  const several = hints.texts.length > 1 && takesOneText(tool)
  if (several) return hints.texts.map((text) => callOf(tool, { ...hints, texts: [text] }))
  const calls = [callOf(tool, hints)]
  if (/\b(?:twice|in parallel)\b/i.test(question)) calls.push(callOf(tool, hints))
  return calls
}

function callOf(tool: Tool, hints: Hints): DecidedCall {
  const value = valueFor(parametersOf(tool), hints)
  return { name: tool.function.name, arguments: JSON.stringify(value) }
}

function parametersOf(tool: Tool): Schema {
  return { type: 'object', ...tool.function.parameters }
}

function takesOneText(tool: Tool): boolean {
  const { properties, required } = parametersOf(tool)
  if (!Array.isArray(required) || required.length !== 1) return false
  const [name] = required as unknown[]
  const property: unknown = typeof name === 'string' ? Reflect.get(Object(properties), name) : undefined
  return Reflect.get(Object(property), 'type') === 'string' && Reflect.get(Object(property), 'enum') === undefined
}

/** What a question offers as values: quoted texts, else names (capitalised words not at its beginning), and numbers. */
export function hintsOf(question: string, answer = ''): Hints {
  const quoted = [...question.matchAll(/["“]([^"”]{1,200})["”]/g)].map((match) => match[1] ?? '')
  const names = [...question.matchAll(/(?<=[a-z0-9,:'’]\s+)\p{Lu}[\p{L}\p{N}'-]+(?:\s+\p{Lu}[\p{L}\p{N}'-]+)*/gu)]
  return {
    texts: quoted.length > 0 ? quoted : names.map((match) => match[0]),
    numbers: [...question.matchAll(/(?<![\w.])-?\d{1,15}(?:\.\d{1,10})?(?![\w])/g)].map((match) => Number(match[0])),
    answer,
  }
}
