import type { JsonObject } from '../../ir/json.ts'
import { PARAMETER_NAMES, type ParameterName } from '../../ir/parameter-names.ts'
import type { ModelRequest, Parameters } from '../../ir/request.ts'
import { reportUncarried } from '../carried.ts'
import type { EncodeContext } from '../dialect.ts'
import { refuseForeignPrompts } from '../openai-completions/prompts.ts'
import { withinOpenAI, withShortUser } from '../openai-limits.ts'
import { encodeOutputFormat } from '../openai-output-format.ts'
import { CARRIES } from './carries.ts'
import { encodeMessages } from './encode-messages.ts'
import { encodeReasoning } from './reasoning-request.ts'
import { type Spelling, spellingOf } from './spelling.ts'
import { encodeToolChoice, encodeTools, withoutAllowedTools } from './tools.ts'

/** The body for an upstream. */
export function encodeRequest(asked: ModelRequest, context: EncodeContext): JsonObject {
  refuseForeignPrompts(asked)
  const spelling = spellingOf(asked, context)
  const { own, vendor, losses } = spelling
  const named = withShortUser(asked, losses)
  const request = withoutAllowedTools(vendor ? withinOpenAI(named, losses) : named, spelling)
  reportUncarried(request, 'openai-chat', CARRIES, losses)
  const body: Record<string, unknown> = own && request.extra !== undefined ? { ...request.extra } : {}
  body['model'] = context.model
  body['messages'] = encodeMessages(request, spelling)
  Object.assign(body, encodeTools(request, spelling), encodeToolChoice(request, spelling))
  if (request.stream) body['stream'] = true
  for (const name of NAMES) {
    const write = PARAMETERS[name]
    if (request.parameters[name] !== undefined || name === 'includeUsage') write(body, request, spelling)
  }
  return body
}

type Write = (body: Record<string, unknown>, request: ModelRequest, spelling: Spelling) => void

/** A parameter that is the same here. */
function same(name: keyof Parameters): Write {
  return (body, { parameters }) => {
    body[PARAMETER_NAMES[name]] = parameters[name]
  }
}

/** A number that the vendor takes between two bounds; others take what they like. */
function within(name: 'temperature' | 'frequencyPenalty' | 'presencePenalty', least: number, most: number): Write {
  return (body, { parameters }, { losses }) => {
    const value = parameters[name] ?? least
    const bounded = Math.min(Math.max(value, least), most)
    if (bounded !== value) losses.adapt(PARAMETER_NAMES[name])
    body[PARAMETER_NAMES[name]] = bounded
  }
}

/** A parameter that the vendor itself does not have, while compatible servers do. */
function notAtVendor(name: 'topK' | 'minP'): Write {
  return (body, { parameters }, { vendor, losses }) => {
    if (vendor) losses.drop(PARAMETER_NAMES[name])
    else body[PARAMETER_NAMES[name]] = parameters[name]
  }
}

const MOST_STOPS = 4
const TIERS: ReadonlySet<string> = new Set(['auto', 'default', 'flex', 'scale', 'priority', 'fast'])

const PARAMETERS = {
  maxOutputTokens: (body, { parameters }, { outputLimit, mostOutput, losses }) => {
    const asked = parameters.maxOutputTokens ?? 1
    const limit = mostOutput === null ? asked : Math.min(asked, mostOutput)
    if (limit !== asked) losses.adapt(PARAMETER_NAMES.maxOutputTokens)
    body[outputLimit] = limit
  },
  temperature: within('temperature', 0, 2),
  topP: same('topP'),
  topK: notAtVendor('topK'),
  minP: notAtVendor('minP'),
  frequencyPenalty: within('frequencyPenalty', -2, 2),
  presencePenalty: within('presencePenalty', -2, 2),
  seed: same('seed'),
  stop: (body, { parameters }, { vendor, losses }) => {
    const stop = parameters.stop ?? []
    if (vendor && stop.length > MOST_STOPS) losses.drop('stop')
    body['stop'] = vendor ? stop.slice(0, MOST_STOPS) : stop
  },
  choices: same('choices'),
  logprobs: (body, { parameters }) => {
    body['logprobs'] = true
    if (parameters.logprobs !== undefined && parameters.logprobs.top > 0) body['top_logprobs'] = parameters.logprobs.top
  },
  logitBias: same('logitBias'),
  // Without tools the vendor refuses it, and it says nothing.
  parallelToolCalls: (body, { parameters, tools }) => {
    if (tools.length > 0) body['parallel_tool_calls'] = parameters.parallelToolCalls
  },
  reasoning: (body, { parameters }, spelling) => {
    if (parameters.reasoning !== undefined) Object.assign(body, encodeReasoning(parameters.reasoning, spelling))
  },
  output: (body, { parameters }) => {
    if (parameters.output !== undefined) body['response_format'] = encodeOutputFormat(parameters.output, 'nested')
  },
  verbosity: same('verbosity'),
  user: same('user'),
  // The vendor keeps metadata only with an answer that it stores, and refuses them otherwise.
  metadata: (body, { parameters }, { own, vendor, losses }) => {
    if (vendor && !own && parameters.store !== true) losses.drop('metadata')
    else body['metadata'] = parameters.metadata
  },
  serviceTier: (body, { parameters }, { own, losses }) => {
    const tier = parameters.serviceTier ?? ''
    if (own || TIERS.has(tier)) body['service_tier'] = tier
    else losses.drop('service_tier')
  },
  store: same('store'),
  promptCacheKey: same('promptCacheKey'),
  modalities: (body, { parameters, stream }, { losses }) => {
    const { modalities = [], audioOutput } = parameters
    body['modalities'] = modalities
    if (!modalities.includes('audio') || audioOutput !== undefined) return
    // The vendor wants to know how it shall sound.
    losses.adapt('audio')
    body['audio'] = { voice: 'alloy', format: stream ? 'pcm16' : 'wav' }
  },
  audioOutput: (body, { parameters, stream }, { losses }) => {
    const { voice, format } = parameters.audioOutput ?? {}
    if (voice === undefined || format === undefined) losses.adapt('audio')
    // A stream has raw samples only.
    body['audio'] = { voice: voice ?? 'alloy', format: format ?? (stream ? 'pcm16' : 'wav') }
  },
  prediction: (body, { parameters }) => {
    body['prediction'] = { type: 'content', content: parameters.prediction }
  },
  /** Always asked for: what an answer used is owed whether the client wants to see it or not. */
  includeUsage: (body, { stream }, { streamUsage }) => {
    if (stream && streamUsage) body['stream_options'] = { include_usage: true }
  },
} as const satisfies Record<ParameterName, Write>

// The keys of the table are its parameters: it is exhaustive and closed.
const NAMES = Object.keys(PARAMETERS) as ParameterName[]
