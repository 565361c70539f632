import { FieldProblem } from '../../ir/fields.ts'
import type { JsonObject } from '../../ir/json.ts'
import { PARAMETER_NAMES, type ParameterName } from '../../ir/parameter-names.ts'
import type { ModelRequest } from '../../ir/request.ts'
import { reportUncarried } from '../carried.ts'
import type { EncodeContext } from '../dialect.ts'
import { withinOpenAI, withShortUser } from '../openai-limits.ts'
import { CARRIES } from './carries.ts'
import { encodePrompts } from './prompts.ts'

/** The body for an upstream that completes texts. */
export function encodeRequest(asked: ModelRequest, context: EncodeContext): JsonObject {
  const { losses } = context
  const named = withShortUser(asked, losses)
  const request = context.capabilities.family === 'openai' ? withinOpenAI(named, losses) : named
  const own = request.dialect === 'openai-completions'
  if (request.tools.length > 0) throw new FieldProblem('tools', 'this model completes texts, and takes no tools')
  reportUncarried(request, 'openai-completions', CARRIES, losses)
  const body: Record<string, unknown> = own && request.extra !== undefined ? { ...request.extra } : {}
  body['model'] = context.model
  body['prompt'] = encodePrompts(request, losses)
  if (request.stream) body['stream'] = true
  for (const name of NAMES) {
    const { [name]: value } = request.parameters
    if (value === undefined && name !== 'includeUsage') continue
    const written = PARAMETERS[name](request, context)
    if (written === null) losses.drop(PARAMETER_NAMES[name])
    else Object.assign(body, written)
  }
  return body
}

/** The members that say it; null where the dialect has none. */
type Write = (request: ModelRequest, context: EncodeContext) => JsonObject | null

const none: Write = () => null
const nothing: JsonObject = {}

function same(name: ParameterName): Write {
  return ({ parameters }) => ({ [PARAMETER_NAMES[name]]: parameters[name] })
}

/** Not the vendor's own, but of most servers that run models. */
function notAtVendor(name: ParameterName): Write {
  const write = same(name)
  return (request, context) => (context.capabilities.family === 'openai' ? null : write(request, context))
}

const PARAMETERS = {
  maxOutputTokens: same('maxOutputTokens'),
  temperature: same('temperature'),
  topP: same('topP'),
  topK: notAtVendor('topK'),
  minP: notAtVendor('minP'),
  frequencyPenalty: same('frequencyPenalty'),
  presencePenalty: same('presencePenalty'),
  seed: same('seed'),
  stop: same('stop'),
  choices: same('choices'),
  logprobs: ({ parameters }) => ({ logprobs: parameters.logprobs?.top ?? 0 }),
  logitBias: same('logitBias'),
  // Without tools it says nothing.
  parallelToolCalls: () => nothing,
  reasoning: none,
  output: ({ parameters }) => (parameters.output?.type === 'text' ? nothing : null),
  verbosity: none,
  user: same('user'),
  metadata: none,
  serviceTier: none,
  store: none,
  promptCacheKey: none,
  modalities: ({ parameters }) => (parameters.modalities?.every((kind) => kind === 'text') === true ? nothing : null),
  audioOutput: none,
  prediction: none,
  // What an answer used is owed whether the client wants to see it or not.
  includeUsage: ({ stream }, { habits }) =>
    stream && habits?.streamUsage !== false ? { stream_options: { include_usage: true } } : nothing,
} as const satisfies Record<ParameterName, Write>

// The keys of the table are its parameters: it is exhaustive and closed.
const NAMES = Object.keys(PARAMETERS) as ParameterName[]
