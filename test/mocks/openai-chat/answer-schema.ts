/*
 * What a strict client of OpenAI's chat completions accepts: the API reference's required members, their types, and no
 * members that are neither in it nor in wide use (`reasoning_content`, `reasoning_details`, `images`).
 */
import { z } from 'zod'

const usage = z.strictObject({
  prompt_tokens: z.int().nonnegative(),
  completion_tokens: z.int().nonnegative(),
  total_tokens: z.int().nonnegative(),
  prompt_tokens_details: z.strictObject({
    cached_tokens: z.int().nonnegative(),
    audio_tokens: z.int().nonnegative(),
    cache_write_tokens: z.int().optional(),
    image_tokens: z.int().optional(),
  }),
  completion_tokens_details: z.strictObject({
    reasoning_tokens: z.int().nonnegative(),
    audio_tokens: z.int().nonnegative(),
    accepted_prediction_tokens: z.int(),
    rejected_prediction_tokens: z.int(),
    image_tokens: z.int().optional(),
  }),
  cost: z.number().optional(),
})

const finishReason = z.enum(['stop', 'length', 'tool_calls', 'content_filter', 'function_call'])
const tier = z.enum(['auto', 'default', 'flex', 'scale', 'priority', 'fast']).optional()
const logprobs = z
  .strictObject({
    content: z.array(z.looseObject({ token: z.string(), logprob: z.number() })).nullable(),
    refusal: z.null(),
  })
  .nullable()
const annotation = z.strictObject({
  type: z.literal('url_citation'),
  url_citation: z.strictObject({ start_index: z.int(), end_index: z.int(), title: z.string(), url: z.string() }),
})
const detail = z.looseObject({
  type: z.enum(['reasoning.text', 'reasoning.summary', 'reasoning.encrypted']),
  format: z.string(),
  index: z.int(),
})
const image = z.strictObject({ type: z.literal('image_url'), image_url: z.strictObject({ url: z.string() }) })
const shared = {
  annotations: z.array(annotation).optional(),
  reasoning_content: z.string().optional(),
  reasoning_details: z.array(detail).nonempty().optional(),
  images: z.array(image).optional(),
}
const call = z.discriminatedUnion('type', [
  z.strictObject({
    id: z.string().min(1),
    type: z.literal('function'),
    function: z.strictObject({ name: z.string().min(1), arguments: z.string() }),
  }),
  z.strictObject({
    id: z.string().min(1),
    type: z.literal('custom'),
    custom: z.strictObject({ name: z.string().min(1), input: z.string() }),
  }),
])

/** A whole answer. */
export const completionSchema = z.strictObject({
  id: z.string().startsWith('chatcmpl-'),
  object: z.literal('chat.completion'),
  created: z.int().positive(),
  model: z.string().min(1),
  choices: z
    .array(
      z.strictObject({
        index: z.int(),
        message: z.strictObject({
          role: z.literal('assistant'),
          content: z.string().nullable(),
          refusal: z.string().nullable(),
          ...shared,
          audio: z
            .strictObject({ id: z.string(), data: z.string(), expires_at: z.int(), transcript: z.string() })
            .optional(),
          function_call: z.strictObject({ name: z.string(), arguments: z.string() }).optional(),
          tool_calls: z.array(call).nonempty().optional(),
        }),
        logprobs,
        finish_reason: finishReason,
      }),
    )
    .nonempty(),
  usage: usage.optional(),
  service_tier: tier,
  system_fingerprint: z.string().optional(),
})

const callDelta = z.strictObject({
  index: z.int().nonnegative(),
  id: z.string().min(1).optional(),
  type: z.enum(['function', 'custom']).optional(),
  function: z.strictObject({ name: z.string().min(1).optional(), arguments: z.string() }).optional(),
  custom: z.strictObject({ name: z.string().min(1).optional(), input: z.string() }).optional(),
})

/** One event of a stream. */
export const chunkSchema = z.strictObject({
  id: z.string().startsWith('chatcmpl-'),
  object: z.literal('chat.completion.chunk'),
  created: z.int().positive(),
  model: z.string().min(1),
  choices: z.array(
    z.strictObject({
      index: z.int(),
      delta: z.strictObject({
        role: z.literal('assistant').optional(),
        content: z.string().nullable().optional(),
        refusal: z.string().nullable().optional(),
        ...shared,
        audio: z
          .strictObject({ id: z.string(), data: z.string(), expires_at: z.int(), transcript: z.string() })
          .partial()
          .optional(),
        function_call: z.strictObject({ name: z.string().optional(), arguments: z.string() }).optional(),
        tool_calls: z.array(callDelta).nonempty().optional(),
      }),
      logprobs,
      finish_reason: finishReason.nullable(),
    }),
  ),
  usage: usage.nullable().optional(),
  service_tier: tier,
  system_fingerprint: z.string().optional(),
})

/** An error object. */
export const errorSchema = z.strictObject({
  error: z.strictObject({
    message: z.string().min(1),
    type: z.string().min(1),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
})
