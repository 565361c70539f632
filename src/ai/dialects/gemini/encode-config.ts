import { isObject, type JsonObject } from '../../ir/json.ts'
import { PARAMETER_NAMES, type ParameterName } from '../../ir/parameter-names.ts'
import type { ModelRequest, Parameters } from '../../ir/request.ts'
import type { EncodeContext } from '../dialect.ts'
import { type ParameterWriters, writeParameters } from '../write-parameters.ts'
import { ENUM_NAME, SCHEMA_NAMES } from './decode-config.ts'
import { compileSchema } from './schema.ts'
import { chooseSchema, schemaChoosing } from './schema-choice.ts'
import { encodeThinking } from './thinking.ts'
import { encodeSpeech } from './voices.ts'

/** What is written of the parameters: into the body, and into its `generationConfig`. */
interface Target {
  readonly body: Record<string, unknown>
  readonly config: Record<string, unknown>
  readonly request: ModelRequest
  readonly context: EncodeContext
}

const drop =
  (name: ParameterName) =>
  (_: unknown, { context }: Target): void =>
    context.losses.drop(PARAMETER_NAMES[name])

const copy =
  (name: ParameterName) =>
  (value: unknown, { config }: Target): void => {
    config[name] = value
  }

const MOST_STOPS = 5
const HOTTEST = 2
const LARGEST_SEED = 2 ** 31

/** What becomes of each parameter. */
const WRITERS = {
  maxOutputTokens: (value, { config, context }) => {
    const most = context.capabilities.maxOutputTokens
    if (most !== null && value > most) context.losses.adapt(PARAMETER_NAMES.maxOutputTokens)
    config['maxOutputTokens'] = most === null ? value : Math.min(value, most)
  },
  temperature: (value, { config, context }) => {
    if (value > HOTTEST) context.losses.adapt(PARAMETER_NAMES.temperature)
    config['temperature'] = Math.min(value, HOTTEST)
  },
  topP: copy('topP'),
  topK: copy('topK'),
  minP: drop('minP'),
  frequencyPenalty: copy('frequencyPenalty'),
  presencePenalty: copy('presencePenalty'),
  seed: (value, { config, context }) => {
    const fits = value >= -LARGEST_SEED && value < LARGEST_SEED
    if (!fits) context.losses.adapt(PARAMETER_NAMES.seed)
    config['seed'] = fits ? value : Math.abs(value % LARGEST_SEED)
  },
  stop: (value, { config, context }) => {
    if (value.length > MOST_STOPS) context.losses.drop(PARAMETER_NAMES.stop)
    if (value.length > 0) config['stopSequences'] = value.slice(0, MOST_STOPS)
  },
  choices: (value, { config, request }) => {
    if (value > 1 || request.dialect === 'gemini') config['candidateCount'] = value
  },
  logprobs: ({ top }, { config }) => {
    config['responseLogprobs'] = true
    if (top > 0) config['logprobs'] = top
  },
  logitBias: drop('logitBias'),
  parallelToolCalls: (value, { context }) => {
    if (!value) context.losses.drop(PARAMETER_NAMES.parallelToolCalls)
  },
  reasoning: (value, { config, request, context }) => {
    const thinking = encodeThinking(value, request, context)
    if (thinking !== null) config['thinkingConfig'] = thinking
  },
  output: encodeOutput,
  verbosity: drop('verbosity'),
  user: drop('user'),
  metadata: (value, { body, request, context }) => {
    // Labels are for bills, and only some of the vendor's endpoints take them: another dialect's metadata is none.
    if (request.dialect === 'gemini') body['labels'] = value
    else context.losses.drop(PARAMETER_NAMES.metadata)
  },
  serviceTier: (value, { body, context }) => {
    if (value === 'auto') return
    const tier = TIERS[value]
    if (tier === undefined) context.losses.drop(PARAMETER_NAMES.serviceTier)
    else body['serviceTier'] = tier
  },
  store: (value, { body, request, context }) => {
    if (request.dialect === 'gemini') body['store'] = value
    else if (value) context.losses.drop(PARAMETER_NAMES.store)
  },
  promptCacheKey: drop('promptCacheKey'),
  modalities: (value, { config, request }) => {
    const usual = value.length === 1 && value[0] === 'text'
    if (!usual || request.dialect === 'gemini') config['responseModalities'] = value.map((word) => word.toUpperCase())
  },
  audioOutput: (value, { config, context }) => {
    const speech = encodeSpeech(value, context.losses)
    if (speech !== null) config['speechConfig'] = speech
  },
  prediction: drop('prediction'),
  // Usage is always told.
  includeUsage: () => undefined,
} satisfies ParameterWriters<Target>

const TIERS: Readonly<Record<string, string>> = { default: 'standard', flex: 'flex', priority: 'priority' }

function encodeOutput(output: NonNullable<Parameters['output']>, { config, request, context }: Target): void {
  const own = request.dialect === 'gemini'
  if (output.type === 'text') {
    if (own) config['responseMimeType'] = 'text/plain'
    return
  }
  config['responseMimeType'] = 'application/json'
  if (output.type === 'json') return
  if (own && output.name !== SCHEMA_NAMES.responseJsonSchema) {
    // It was the vendor's own kind of schema.
    if (output.name === ENUM_NAME) config['responseMimeType'] = 'text/x.enum'
    config['responseSchema'] = compileSchema(output.schema, 'openapi').schema
    return
  }
  if (own) {
    config['responseJsonSchema'] = output.schema
    return
  }
  // The name says nothing to the model; a description does, and a schema has a place for it.
  const described =
    output.description === undefined ? output.schema : { description: output.description, ...output.schema }
  const { form, schema } = chooseSchema(described, PARAMETER_NAMES.output, schemaChoosing(context))
  config[form === 'json' ? 'responseJsonSchema' : 'responseSchema'] = schema
}

/** Writes all parameters; what is left of the request's own `generationConfig` goes with them. */
export function encodeParameters(request: ModelRequest, context: EncodeContext): JsonObject {
  const target: Target = { body: {}, config: {}, request, context }
  writeParameters(WRITERS, request.parameters, target)
  const kept = request.dialect === 'gemini' ? request.extra?.['generationConfig'] : undefined
  const config = isObject(kept) ? merged(target.config, kept) : target.config
  return { ...target.body, ...(Object.keys(config).length > 0 && { generationConfig: config }) }
}

/** Objects on both sides are put together, one level deep. */
export function merged(made: JsonObject, kept: JsonObject): JsonObject {
  const out: Record<string, unknown> = { ...kept, ...made }
  for (const [name, value] of Object.entries(kept)) {
    const other = made[name]
    if (isObject(value) && isObject(other)) out[name] = { ...value, ...other }
  }
  return out
}
