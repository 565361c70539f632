import type { JsonObject } from '../../ir/json.ts'
import { PARAMETER_NAMES, type ParameterName } from '../../ir/parameter-names.ts'
import type { Effort, ModelRequest, ReasoningRequest } from '../../ir/request.ts'
import type { EncodeContext } from '../dialect.ts'
import { type ParameterWriters, writeParameters } from '../write-parameters.ts'

/** What is written: into the body, and into its `options`. */
interface Target {
  readonly body: Record<string, unknown>
  readonly options: Record<string, unknown>
  readonly context: EncodeContext
}

const drop =
  (name: ParameterName) =>
  (_: unknown, { context }: Target): void =>
    context.losses.drop(PARAMETER_NAMES[name])

const option =
  (name: string) =>
  (value: unknown, { options }: Target): void => {
    options[name] = value
  }

const MOST_LOGPROBS = 20

/** What becomes of each parameter. */
const WRITERS = {
  maxOutputTokens: (value, { options, context }) => {
    const most = context.capabilities.maxOutputTokens ?? value
    if (value > most) context.losses.adapt(PARAMETER_NAMES.maxOutputTokens)
    options['num_predict'] = Math.min(value, most)
  },
  temperature: option('temperature'),
  topP: option('top_p'),
  topK: option('top_k'),
  minP: option('min_p'),
  frequencyPenalty: option('frequency_penalty'),
  presencePenalty: option('presence_penalty'),
  seed: option('seed'),
  stop: (value, { options }) => {
    if (value.length > 0) options['stop'] = value
  },
  choices: (value, target) => {
    if (value > 1) drop('choices')(value, target)
  },
  logprobs: ({ top }, { body, context }) => {
    body['logprobs'] = true
    if (top > MOST_LOGPROBS) context.losses.adapt(PARAMETER_NAMES.logprobs)
    if (top > 0) body['top_logprobs'] = Math.min(top, MOST_LOGPROBS)
  },
  logitBias: drop('logitBias'),
  parallelToolCalls: (value, target) => {
    if (!value) drop('parallelToolCalls')(value, target)
  },
  reasoning: encodeThink,
  output: (value, { body, context }) => {
    if (value.type === 'json') body['format'] = 'json'
    if (value.type !== 'json-schema') return
    if (value.description !== undefined) context.losses.drop('response_format.description')
    body['format'] = value.schema
  },
  verbosity: drop('verbosity'),
  user: drop('user'),
  metadata: drop('metadata'),
  serviceTier: (value, target) => {
    if (value !== 'auto' && value !== 'default') drop('serviceTier')(value, target)
  },
  store: (value, target) => {
    if (value) drop('store')(value, target)
  },
  promptCacheKey: drop('promptCacheKey'),
  modalities: (value, target) => {
    if (value.some((word) => word !== 'text')) drop('modalities')(value, target)
  },
  audioOutput: drop('audioOutput'),
  prediction: drop('prediction'),
  // Usage is always told.
  includeUsage: () => undefined,
} satisfies ParameterWriters<Target>

const LEVELS: Readonly<Record<Exclude<Effort, 'none'>, 'low' | 'medium' | 'high'>> = {
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'high',
  max: 'high',
}

/** Most models only think or do not; those with levels cannot do without. */
function encodeThink({ effort, budgetTokens, mode }: ReasoningRequest, { body, context }: Target): void {
  const { capabilities, model, losses } = context
  if ((effort ?? budgetTokens ?? mode) === undefined) return
  if (capabilities.reasoning === 'none') return losses.drop(PARAMETER_NAMES.reasoning)
  const off = mode === 'disabled' || effort === 'none'
  const levels = capabilities.reasoning === 'effort' || capabilities.reasoning === 'level' || model.includes('gpt-oss')
  if (off) {
    if (levels) losses.adapt(PARAMETER_NAMES.reasoning)
    body['think'] = levels ? 'low' : false
    return
  }
  const level = effort === undefined ? null : LEVELS[effort]
  body['think'] = levels && level !== null ? level : true
  if (budgetTokens !== undefined || (effort !== undefined && body['think'] !== effort)) {
    losses.adapt(PARAMETER_NAMES.reasoning)
  }
}

export function encodeParameters(request: ModelRequest, context: EncodeContext): JsonObject {
  const target: Target = { body: {}, options: {}, context }
  writeParameters(WRITERS, request.parameters, target)
  return { ...target.body, options: target.options }
}
