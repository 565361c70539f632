import type { JsonObject } from '../../ir/json.ts'
import { PARAMETER_NAMES, type ParameterName } from '../../ir/parameter-names.ts'
import type { Message, ModelRequest, Parameters, SystemMessage } from '../../ir/request.ts'
import { reportUncarried } from '../carried.ts'
import type { EncodeContext } from '../dialect.ts'
import { choiceOfFunctions } from '../known-choice.ts'
import { innerOf } from '../openai-chat/extra.ts'
import { refuseForeignPrompts } from '../openai-completions/prompts.ts'
import { withinOpenAI, withShortUser } from '../openai-limits.ts'
import { encodeOutputFormat } from '../openai-output-format.ts'
import { CARRIES } from './carries.ts'
import { encodeItems } from './encode-items.ts'
import { encodeReasoning } from './reasoning.ts'
import { type Spelling, spellingOf } from './spelling.ts'
import { encodeToolChoice, encodeTools } from './tools.ts'

/** The body for an upstream. */
export function encodeRequest(asked: ModelRequest, context: EncodeContext): JsonObject {
  refuseForeignPrompts(asked)
  const spelling = spellingOf(asked, context)
  const { own, vendor, losses } = spelling
  const named = withShortUser(asked, losses)
  const request = vendor ? withinOpenAI(named, losses) : named
  reportUncarried(request, 'openai-responses', CARRIES, losses)
  const body: Record<string, unknown> = own && request.extra !== undefined ? { ...request.extra } : {}
  body['model'] = context.model
  const [instructions, messages] = withoutInstructions(request.messages, own)
  if (instructions !== null) body['instructions'] = instructions
  body['input'] = encodeItems({ ...request, messages }, spelling)
  const tools = encodeTools(request, spelling)
  if (tools.length > 0) body['tools'] = tools
  const toolChoice = own ? request.toolChoice : choiceOfFunctions(request, losses)
  const choice = tools.length === 0 ? undefined : encodeToolChoice({ ...request, toolChoice })
  if (choice !== undefined) body['tool_choice'] = choice
  if (request.stream) body['stream'] = true
  for (const name of NAMES) {
    if (request.parameters[name] !== undefined || name === 'store') PARAMETERS[name](body, request, spelling)
  }
  if (wantsSeals(request, spelling)) include(body, 'reasoning.encrypted_content')
  return body
}

/** Instructions in front of a conversation have a member of their own, when they are plain text. */
function withoutInstructions(messages: readonly Message[], own: boolean): [string | null, readonly Message[]] {
  const [first] = messages
  if (first?.role !== 'system' || !isPlain(first)) return [null, messages]
  const moves = first.place === 'instructions' || (!own && first.authority === 'system')
  return moves ? [first.parts.map((part) => part.text).join('\n\n'), messages.slice(1)] : [null, messages]
}

function isPlain({ parts, name, extra }: SystemMessage): boolean {
  const plain = parts.every(({ cache, extra: more, citations }) => (cache ?? more ?? citations) === undefined)
  return plain && parts.length > 0 && name === undefined && extra === undefined
}

/** Nothing is kept at the vendor, so thoughts come back sealed. Models that do not reason refuse the wish. */
function wantsSeals({ parameters, messages }: ModelRequest, { vendor, reasons }: Spelling): boolean {
  if (!vendor || reasons === false) return false
  if (reasons === true || parameters.reasoning !== undefined) return true
  return messages.some(
    (message) =>
      message.role === 'assistant' &&
      message.parts.some((part) => part.type === 'reasoning' && part.sealed !== undefined),
  )
}

function include(body: Record<string, unknown>, name: string): void {
  const before = body['include']
  body['include'] = Array.isArray(before) ? [...before, name] : [name]
}

type Write = (body: Record<string, unknown>, request: ModelRequest, spelling: Spelling) => void

/** A parameter that is the same here. */
function same(name: keyof Parameters): Write {
  return (body, { parameters }) => {
    body[PARAMETER_NAMES[name]] = parameters[name]
  }
}

/** A parameter that the dialect does not have. */
function none(name: keyof Parameters): Write {
  return (_body, _request, { losses }) => losses.drop(PARAMETER_NAMES[name])
}

/** The vendor's smallest limit (API reference, `max_output_tokens`, 2026-11). */
const LEAST_OUTPUT = 16
const TIERS: ReadonlySet<string> = new Set(['auto', 'default', 'flex', 'scale', 'priority', 'fast'])

const PARAMETERS = {
  maxOutputTokens: (body, { parameters }, { own, vendor, mostOutput, losses }) => {
    const asked = parameters.maxOutputTokens ?? LEAST_OUTPUT
    const least = vendor && !own ? Math.max(asked, LEAST_OUTPUT) : asked
    const limit = mostOutput === null ? least : Math.min(least, mostOutput)
    if (limit !== asked) losses.adapt(PARAMETER_NAMES.maxOutputTokens)
    body['max_output_tokens'] = limit
  },
  temperature: (body, { parameters }, { losses }) => {
    const value = parameters.temperature ?? 1
    const bounded = Math.min(Math.max(value, 0), 2)
    if (bounded !== value) losses.adapt('temperature')
    body['temperature'] = bounded
  },
  topP: same('topP'),
  topK: none('topK'),
  minP: none('minP'),
  frequencyPenalty: none('frequencyPenalty'),
  presencePenalty: none('presencePenalty'),
  seed: none('seed'),
  stop: none('stop'),
  choices: (_body, { parameters }, { losses }) => {
    if (parameters.choices !== 1) losses.drop('n')
  },
  logprobs: (body, { parameters }) => {
    include(body, 'message.output_text.logprobs')
    if (parameters.logprobs !== undefined && parameters.logprobs.top > 0) body['top_logprobs'] = parameters.logprobs.top
  },
  logitBias: none('logitBias'),
  // Without tools it says nothing.
  parallelToolCalls: (body, { parameters, tools }) => {
    if (tools.length > 0) body['parallel_tool_calls'] = parameters.parallelToolCalls
  },
  reasoning: (body, { parameters, extra }, { own, reasons, losses }) => {
    const { reasoning } = parameters
    if (reasoning === undefined) return
    if (reasons === false) {
      if (reasoning.effort !== 'none' && reasoning.mode !== 'disabled') losses.drop('reasoning')
      return
    }
    const members = encodeReasoning(reasoning, own, losses)
    const all = own ? { ...innerOf(extra, 'reasoning'), ...members } : members
    if (Object.keys(all).length > 0) body['reasoning'] = all
  },
  output: (body, { parameters, extra }, { own }) => {
    if (parameters.output === undefined) return
    body['text'] = { ...textOf(body, own ? extra : undefined), format: encodeOutputFormat(parameters.output, 'beside') }
  },
  verbosity: (body, { parameters, extra }, { own }) => {
    body['text'] = { ...textOf(body, own ? extra : undefined), verbosity: parameters.verbosity }
  },
  user: same('user'),
  metadata: same('metadata'),
  serviceTier: (body, { parameters }, { own, losses }) => {
    const tier = parameters.serviceTier ?? ''
    if (own || TIERS.has(tier)) body['service_tier'] = tier
    else losses.drop('service_tier')
  },
  // The vendor keeps answers unless it is told not to; clients of other dialects cannot ask for them again.
  store: (body, { parameters }, { own }) => {
    if (parameters.store !== undefined || !own) body['store'] = parameters.store ?? false
  },
  promptCacheKey: same('promptCacheKey'),
  modalities: (_body, { parameters }, { losses }) => {
    if (parameters.modalities?.some((kind) => kind !== 'text') === true) losses.drop('modalities')
  },
  audioOutput: none('audioOutput'),
  prediction: none('prediction'),
  includeUsage: () => undefined, // always told
} as const satisfies Record<ParameterName, Write>

// The keys of the table are its parameters: it is exhaustive and closed.
const NAMES = Object.keys(PARAMETERS) as ParameterName[]

function textOf(body: Readonly<Record<string, unknown>>, extra: JsonObject | undefined): JsonObject | undefined {
  return innerOf(body, 'text') ?? innerOf(extra, 'text')
}
