import type { Losses } from '../../ir/losses.ts'
import { PARAMETER_NAMES } from '../../ir/parameter-names.ts'
import type { ParameterWriters } from '../write-parameters.ts'

interface Draft {
  readonly losses: Losses
}

/** Parameters that neither Messages nor Bedrock's Converse has: each is reported, unless it asks for what happens anyway. */
export const UNSAID = {
  choices: (value, { losses }) => {
    if (value > 1) losses.drop('n')
  },
  store: (value, { losses }) => {
    if (value) losses.drop('store') // nothing is stored there, as `false` wants it
  },
  modalities: (value, { losses }) => {
    if (value.some((kind) => kind !== 'text')) losses.drop('modalities')
  },
  minP: (_, { losses }) => losses.drop(PARAMETER_NAMES.minP),
  frequencyPenalty: unlessZero('frequencyPenalty'),
  presencePenalty: unlessZero('presencePenalty'),
  seed: (_, { losses }) => losses.drop('seed'),
  logprobs: (_, { losses }) => losses.drop('logprobs'),
  logitBias: (_, { losses }) => losses.drop(PARAMETER_NAMES.logitBias),
  verbosity: (_, { losses }) => losses.drop('verbosity'),
  promptCacheKey: (_, { losses }) => losses.drop(PARAMETER_NAMES.promptCacheKey),
  audioOutput: (_, { losses }) => losses.drop(PARAMETER_NAMES.audioOutput),
  prediction: (_, { losses }) => losses.drop('prediction'),
} satisfies Partial<ParameterWriters<Draft>>

/** A penalty of zero says nothing. */
function unlessZero(name: 'frequencyPenalty' | 'presencePenalty'): (value: number, draft: Draft) => void {
  return (value, { losses }) => {
    if (value !== 0) losses.drop(PARAMETER_NAMES[name])
  }
}
