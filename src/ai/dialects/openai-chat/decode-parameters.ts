import { FieldProblem, type Fields } from '../../ir/fields.ts'
import type { Losses } from '../../ir/losses.ts'
import type { OutputFormat, Parameters } from '../../ir/request.ts'
import { decodeOutputFormat } from '../openai-output-format.ts'
import { decodeParts, decodeText } from './assistant.ts'
import { decodeReasoning } from './reasoning-request.ts'

/** Everything of a body but its messages and tools. */
export function decodeParameters(body: Fields, losses: Losses): Parameters {
  const wantsLogprobs = body.boolean('logprobs')
  const top = body.integer('top_logprobs')
  const audio = body.fields('audio')
  const options = body.fields('stream_options')
  options?.value('include_obfuscation')
  const user = body.string('user')
  const parameters: Parameters = {
    maxOutputTokens: body.positive('max_completion_tokens') ?? body.positive('max_tokens'),
    temperature: body.number('temperature'),
    topP: body.number('top_p'),
    topK: body.integer('top_k'),
    minP: body.number('min_p'),
    frequencyPenalty: body.number('frequency_penalty'),
    presencePenalty: body.number('presence_penalty'),
    seed: body.integer('seed'),
    stop: decodeStopSequences(body),
    choices: body.positive('n'),
    logprobs: wantsLogprobs === true ? { top: top ?? 0 } : undefined,
    logitBias: body.object('logit_bias'),
    parallelToolCalls: body.boolean('parallel_tool_calls'),
    reasoning: decodeReasoning(body, losses),
    output: decodeOutput(body, losses),
    verbosity: body.oneOf('verbosity', ['low', 'medium', 'high'] as const),
    user: user ?? body.string('safety_identifier'),
    metadata: body.object('metadata'),
    serviceTier: body.string('service_tier'),
    store: body.boolean('store'),
    promptCacheKey: body.string('prompt_cache_key'),
    modalities: body.strings('modalities'),
    audioOutput: audio === undefined ? undefined : { voice: voiceOf(audio), format: audio.string('format') },
    prediction: decodePrediction(body, losses),
    includeUsage: options?.boolean('include_usage'),
  }
  audio?.report(losses)
  options?.report(losses)
  return parameters
}

export function decodeStopSequences(body: Fields): readonly string[] | undefined {
  const stop = body.value('stop')
  if (stop === undefined) return undefined
  const stops = typeof stop === 'string' ? [stop] : body.strings('stop')
  return stops === undefined || stops.length === 0 ? undefined : stops
}

function decodeOutput(body: Fields, losses: Losses): OutputFormat | undefined {
  const format = body.fields('response_format')
  return format === undefined ? undefined : decodeOutputFormat(format, 'nested', losses)
}

/** A voice is a name, or an object with the id of one that the client made. */
function voiceOf(audio: Fields): string | undefined {
  const voice = audio.value('voice')
  if (voice === undefined || typeof voice === 'string') return voice
  return audio.fields('voice')?.text('id')
}

function decodePrediction(body: Fields, losses: Losses): string | undefined {
  const prediction = body.fields('prediction')
  if (prediction === undefined) return undefined
  prediction.value('type')
  const parts = decodeParts(prediction, decodeText)
  if (parts.length === 0) throw new FieldProblem(prediction.at('content'), 'expected a text')
  for (const { extra } of parts) if (extra !== undefined) losses.dropAll('prediction.content[]', extra)
  return parts.map((part) => part.text).join('')
}
