/*
 * Refuses what OpenAI's text completions refuse, with the vendor's error object; from the API reference ("Create completion",
 * 2026-11). Independent of the gateway's own converters.
 */
import { z } from 'zod'

const tokens = z.array(z.int().nonnegative()).nonempty()

const requestSchema = z.strictObject({
  model: z.string().min(1),
  prompt: z.union([z.string(), z.array(z.string()).nonempty(), tokens, z.array(tokens).nonempty()]),
  best_of: z.int().min(0).max(20).nullish(),
  echo: z.boolean().nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  logit_bias: z.record(z.string(), z.number()).nullish(),
  logprobs: z.int().min(0).max(5).nullish(),
  max_tokens: z.int().min(0).nullish(),
  n: z.int().min(1).max(128).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  seed: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string()).min(1).max(4)]).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_usage: z.boolean().optional() }).nullish(),
  suffix: z.string().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  user: z.string().optional(),
})

/** The error that the vendor answers with; null for a body that it takes. */
export function checkCompletionBody(body: unknown) {
  const parsed = requestSchema.safeParse(body)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const unknown = issue?.code === 'unrecognized_keys' ? [issue.keys[0]] : []
    const param = [...(issue?.path ?? []), ...unknown].join('.')
    return refusal(param, `Invalid '${param}': ${issue?.message}`)
  }
  const { best_of: best, n, stream, stream_options: options } = parsed.data
  if (typeof best === 'number' && best < (n ?? 1)) return refusal('best_of', "'best_of' must be at least 'n'.")
  if (options && stream !== true) return refusal('stream_options', "'stream_options' is only allowed with 'stream'.")
  return null
}

function refusal(param: string, message: string) {
  return { status: 400, body: { error: { message, type: 'invalid_request_error', param, code: null } } }
}
