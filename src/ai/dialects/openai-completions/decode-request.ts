import { fieldsOf } from '../../ir/fields.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { ModelRequest } from '../../ir/request.ts'
import type { RequestContext } from '../dialect.ts'
import { decodeStopSequences } from '../openai-chat/decode-parameters.ts'
import { decodePrompts } from './prompts.ts'

/** A client's request: its prompts become messages of the user. */
export function decodeRequest(body: JsonObject, context: RequestContext): ModelRequest {
  const fields = fieldsOf(body, '')
  const model = context.model ?? fields.text('model')
  fields.value('model')
  const options = fields.fields('stream_options')
  options?.value('include_obfuscation')
  const choices = fields.positive('n')
  const top = fields.integer('logprobs')
  const stream = fields.boolean('stream') ?? false
  const includeUsage = options?.boolean('include_usage')
  options?.report(context.losses)
  const request: ModelRequest = {
    dialect: 'openai-completions',
    model,
    messages: decodePrompts(fields),
    tools: [],
    parameters: {
      maxOutputTokens: fields.positive('max_tokens'),
      temperature: fields.number('temperature'),
      topP: fields.number('top_p'),
      topK: fields.integer('top_k'),
      minP: fields.number('min_p'),
      frequencyPenalty: fields.number('frequency_penalty'),
      presencePenalty: fields.number('presence_penalty'),
      seed: fields.integer('seed'),
      stop: decodeStopSequences(fields),
      choices,
      logprobs: top === undefined ? undefined : { top },
      logitBias: fields.object('logit_bias'),
      user: fields.string('user'),
      includeUsage,
    },
    stream,
  }
  // Said, but with the meaning of not being said.
  if (fields.has('echo') && body['echo'] === false) fields.boolean('echo')
  if (body['best_of'] === (choices ?? 1)) fields.integer('best_of')
  if (body['suffix'] === '') fields.string('suffix')
  const extra = fields.rest()
  return extra === undefined ? request : { ...request, extra }
}
