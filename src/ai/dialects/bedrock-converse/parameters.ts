import type { Losses } from '../../ir/losses.ts'
import type { Parameters } from '../../ir/request.ts'
import { withinSubset } from '../anthropic-messages/output-schema.ts'
import { UNSAID } from '../anthropic-messages/unsaid.ts'
import { elsewhere, type ParameterWriters, writeParameters } from '../write-parameters.ts'

/** The parts of a body that parameters go to, and what decides about them. */
export interface Draft {
  readonly inference: Record<string, unknown>
  readonly body: Record<string, unknown>
  readonly losses: Losses
  /** The model thinks: it takes no sampling of the client's own. */
  readonly thinking: boolean
  /** Claude's newer models refuse `top_p` beside a temperature. */
  readonly claude: boolean
  readonly hasTemperature: boolean
}

/** Limits of `requestMetadata` (Converse API). */
const MOST_METADATA = 16
const LONGEST_METADATA = 256
const METADATA = /^[a-zA-Z0-9\s:_@$#=/+,.-]*$/

const TIERS: Readonly<Record<string, string>> = {
  default: 'default',
  priority: 'priority',
  flex: 'flex',
  reserved: 'reserved',
}

const WRITERS = {
  maxOutputTokens: elsewhere, // with the model's own fields, which it must fit
  topK: elsewhere,
  reasoning: elsewhere,
  parallelToolCalls: elsewhere, // with the tools
  includeUsage: elsewhere, // every stream reports it
  temperature: (value, { inference, losses, thinking }) => {
    if (thinking && value !== 1) return losses.drop('temperature')
    if (value > 1) losses.adapt('temperature')
    inference['temperature'] = Math.min(value, 1) // Converse's own limit, whatever the model's
  },
  topP: (value, { inference, losses, thinking, claude, hasTemperature }) => {
    if (claude && hasTemperature && !thinking) {
      if (value !== 1) losses.drop('top_p')
      return
    }
    if (thinking && value < 0.95) return losses.drop('top_p')
    inference['topP'] = value
  },
  stop: (value, { inference, losses }) => {
    const kept = value.filter((sequence) => /\S/.test(sequence))
    if (kept.length < value.length) losses.drop('stop')
    if (kept.length > 0) inference['stopSequences'] = kept
  },
  output: (value, { body, losses }) => {
    if (value.type === 'text') return
    if (value.type === 'json') return losses.drop('response_format')
    const { name, description, schema } = value
    // The service's subset of JSON Schema is the one of Claude's own API ("Structured outputs").
    const subset = withinSubset(schema, losses, 'response_format')
    const jsonSchema = { schema: JSON.stringify(subset), name, ...(description === undefined ? {} : { description }) }
    body['outputConfig'] = { textFormat: { type: 'json_schema', structure: { jsonSchema } } }
  },
  metadata: (value, { body, losses }) => {
    const kept = Object.entries(value).filter(([name, text]) => isMetadata(name) && isMetadata(text))
    if (kept.length < Object.keys(value).length || kept.length > MOST_METADATA) losses.drop('metadata')
    if (kept.length > 0) body['requestMetadata'] = Object.fromEntries(kept.slice(0, MOST_METADATA))
  },
  serviceTier: (value, { body, losses }) => {
    const type = TIERS[value]
    if (type !== undefined) body['serviceTier'] = { type }
    else if (value !== 'auto') losses.drop('service_tier')
  },
  user: (_, { losses }) => losses.drop('user'),
  ...UNSAID,
} satisfies ParameterWriters<Draft>

function isMetadata(value: unknown): boolean {
  return typeof value === 'string' && value.length <= LONGEST_METADATA && METADATA.test(value)
}

/** Writes each parameter, or reports it. */
export function encodeParameters(parameters: Parameters, draft: Draft): void {
  writeParameters(WRITERS, parameters, draft)
}
