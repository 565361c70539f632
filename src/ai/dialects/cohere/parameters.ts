import type { JsonObject } from '../../ir/json.ts'
import { PARAMETER_NAMES, type ParameterName } from '../../ir/parameter-names.ts'
import type { ModelRequest, Parameters, ReasoningRequest } from '../../ir/request.ts'
import type { EncodeContext } from '../dialect.ts'
import { EFFORT_BUDGETS } from '../effort-budgets.ts'

type Writer<Name extends ParameterName> = (value: NonNullable<Parameters[Name]>, context: EncodeContext) => JsonObject

const NOTHING: JsonObject = {}

const drop =
  (name: ParameterName) =>
  (_: unknown, { losses }: EncodeContext): JsonObject => {
    losses.drop(PARAMETER_NAMES[name])
    return NOTHING
  }

const MOST_STOPS = 5
const MOST_TOP_K = 500

/** What becomes of each parameter. */
const WRITERS = {
  maxOutputTokens: (value, { capabilities, losses }) => {
    const most = capabilities.maxOutputTokens ?? value
    if (value > most) losses.adapt(PARAMETER_NAMES.maxOutputTokens)
    return { max_tokens: Math.min(value, most) }
  },
  temperature: (value, context) => ({ temperature: within('temperature', value, [0, 1], context) }),
  topP: (value, context) => ({ p: within('topP', value, [0.01, 0.99], context) }),
  topK: (value, context) => ({ k: within('topK', value, [0, MOST_TOP_K], context) }),
  minP: drop('minP'),
  frequencyPenalty: (value, context) => ({
    frequency_penalty: within('frequencyPenalty', value, [0, 1], context),
  }),
  presencePenalty: (value, context) => ({ presence_penalty: within('presencePenalty', value, [0, 1], context) }),
  seed: (value, { losses }) => {
    if (value >= 0) return { seed: value }
    losses.adapt(PARAMETER_NAMES.seed)
    return { seed: -value }
  },
  stop: (value, { losses }) => {
    if (value.length > MOST_STOPS) losses.drop(PARAMETER_NAMES.stop)
    return value.length === 0 ? NOTHING : { stop_sequences: value.slice(0, MOST_STOPS) }
  },
  choices: (value, context) => (value > 1 ? drop('choices')(value, context) : NOTHING),
  logprobs: ({ top }, { losses }) => {
    if (top > 0) losses.drop('top_logprobs')
    return { logprobs: true }
  },
  logitBias: drop('logitBias'),
  parallelToolCalls: (value, context) => (value ? NOTHING : drop('parallelToolCalls')(value, context)),
  reasoning: encodeThinking,
  output: (value, { losses }) => {
    if (value.type === 'text') return NOTHING
    if (value.type === 'json') return { response_format: { type: 'json_object' } }
    if (value.description !== undefined) losses.drop('response_format.description')
    return { response_format: { type: 'json_object', json_schema: value.schema } }
  },
  verbosity: drop('verbosity'),
  user: drop('user'),
  metadata: drop('metadata'),
  serviceTier: (value, context) =>
    value === 'auto' || value === 'default' ? NOTHING : drop('serviceTier')(value, context),
  store: (value, context) => (value ? drop('store')(value, context) : NOTHING),
  promptCacheKey: drop('promptCacheKey'),
  modalities: (value, context) =>
    value.some((word) => word !== 'text') ? drop('modalities')(value, context) : NOTHING,
  audioOutput: drop('audioOutput'),
  prediction: drop('prediction'),
  // Usage is always told.
  includeUsage: () => NOTHING,
} satisfies { readonly [Name in ParameterName]: Writer<Name> }

function within(
  name: ParameterName,
  value: number,
  [least, most]: readonly [number, number],
  { losses }: EncodeContext,
): number {
  const clamped = Math.min(most, Math.max(least, value))
  if (clamped !== value) losses.adapt(PARAMETER_NAMES[name])
  return clamped
}

/** What the vendor's examples think at most. */
const MOST_THOUGHT = 31_000

function encodeThinking(reasoning: ReasoningRequest, { capabilities, losses }: EncodeContext): JsonObject {
  const { effort, budgetTokens, mode } = reasoning
  if (capabilities.reasoning === 'none') {
    losses.drop(PARAMETER_NAMES.reasoning)
    return NOTHING
  }
  if (mode === 'disabled' || effort === 'none') return { thinking: { type: 'disabled' } }
  if (budgetTokens !== undefined) return { thinking: { type: 'enabled', token_budget: budgetTokens } }
  if (effort === undefined) return mode === undefined ? NOTHING : { thinking: { type: 'enabled' } }
  losses.adapt(PARAMETER_NAMES.reasoning)
  return { thinking: { type: 'enabled', token_budget: Math.min(EFFORT_BUDGETS[effort], MOST_THOUGHT) } }
}

export function encodeParameters(request: ModelRequest, context: EncodeContext): JsonObject {
  const out: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(request.parameters)) {
    if (value === undefined) continue
    // Names and values come from one object, so that each value is what the writer of its name takes.
    const write = WRITERS[name as ParameterName] as (value: unknown, context: EncodeContext) => JsonObject
    Object.assign(out, write(value, context))
  }
  return out
}
