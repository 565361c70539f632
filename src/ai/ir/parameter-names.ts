import type { Parameters } from './request.ts'

/** What a parameter is called in reports, configuration and documentation, whatever dialect it came in. */
export const PARAMETER_NAMES: Readonly<Record<keyof Parameters, string>> = {
  maxOutputTokens: 'max_tokens',
  temperature: 'temperature',
  topP: 'top_p',
  topK: 'top_k',
  minP: 'min_p',
  frequencyPenalty: 'frequency_penalty',
  presencePenalty: 'presence_penalty',
  seed: 'seed',
  stop: 'stop',
  choices: 'n',
  logprobs: 'logprobs',
  logitBias: 'logit_bias',
  parallelToolCalls: 'parallel_tool_calls',
  reasoning: 'reasoning',
  output: 'response_format',
  verbosity: 'verbosity',
  user: 'user',
  metadata: 'metadata',
  serviceTier: 'service_tier',
  store: 'store',
  promptCacheKey: 'prompt_cache_key',
  modalities: 'modalities',
  audioOutput: 'audio',
  prediction: 'prediction',
  includeUsage: 'stream_options',
}

export type ParameterName = keyof Parameters
