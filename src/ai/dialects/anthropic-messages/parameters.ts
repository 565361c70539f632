import type { Losses } from '../../ir/losses.ts'
import type { Parameters } from '../../ir/request.ts'
import { elsewhere, type ParameterWriters, writeParameters } from '../write-parameters.ts'
import type { Block } from './cache.ts'
import { withinSubset } from './output-schema.ts'
import { UNSAID } from './unsaid.ts'

/** The body that is being written, and what decides about it. */
export interface Draft {
  readonly body: Block
  readonly own: boolean
  readonly losses: Losses
  /** The model thinks: it takes no sampling of the client's own. */
  readonly thinking: boolean
  /** The client sets a temperature, too. */
  readonly hasTemperature: boolean
}

/** Smallest `top_p` that a thinking model takes ("Extended thinking"). */
const LEAST_THINKING_TOP_P = 0.95

const TIERS: Readonly<Record<string, string>> = {
  auto: 'auto',
  default: 'standard_only',
  standard_only: 'standard_only',
}

const WRITERS = {
  maxOutputTokens: elsewhere, // with `thinking`, which it must exceed
  reasoning: elsewhere,
  parallelToolCalls: elsewhere, // with `tool_choice`, which holds it
  includeUsage: elsewhere, // every stream reports it
  temperature: (value, { body, own, losses, thinking }) => {
    if (thinking && value !== 1) return losses.drop('temperature')
    if (value > 1 && !own) losses.adapt('temperature')
    body['temperature'] = own ? value : Math.min(value, 1)
  },
  topP: (value, { body, own, losses, thinking, hasTemperature }) => {
    // Newer models refuse both at once; the temperature is what most clients mean.
    if (!own && hasTemperature && !thinking) {
      if (value !== 1) losses.drop('top_p')
      return
    }
    if (thinking && value < LEAST_THINKING_TOP_P) return losses.drop('top_p')
    body['top_p'] = value
  },
  topK: (value, { body, losses, thinking }) => {
    if (thinking) return losses.drop('top_k')
    body['top_k'] = value
  },
  stop: (value, { body, losses }) => {
    const kept = value.filter((sequence) => /\S/.test(sequence))
    if (kept.length < value.length) losses.drop('stop')
    if (kept.length > 0) body['stop_sequences'] = kept
  },
  output: (value, { body, own, losses }) => {
    if (value.type === 'text') return
    if (value.type === 'json') return losses.drop('response_format')
    if (value.description !== undefined) losses.adapt('response_format')
    outputConfig(body)['format'] = {
      type: 'json_schema',
      schema: own ? value.schema : withinSubset(value.schema, losses, 'response_format'),
    }
  },
  user: (value, { body }) => {
    metadata(body)['user_id'] = value
  },
  metadata: (value, { body, own, losses }) => {
    if (own) Object.assign(metadata(body), value)
    else if (Object.keys(value).length > 0) losses.drop('metadata')
  },
  serviceTier: (value, { body, losses }) => {
    const tier = TIERS[value]
    if (tier === undefined) losses.drop('service_tier')
    else body['service_tier'] = tier
  },
  ...UNSAID,
} satisfies ParameterWriters<Draft>

/** Writes each parameter, or reports it. */
export function encodeParameters(parameters: Parameters, draft: Draft): void {
  writeParameters(WRITERS, parameters, draft)
}

/** `output_config` of a body, made when it is not there. */
export function outputConfig(body: Block): Block {
  return member(body, 'output_config')
}

function metadata(body: Block): Block {
  return member(body, 'metadata')
}

function member(body: Block, name: string): Block {
  // It is a block: only this file puts these members there.
  const found = body[name] as Block | undefined
  if (found !== undefined) return found
  const made: Block = {}
  body[name] = made
  return made
}
