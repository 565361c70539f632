/*
 * A body of OpenAI's chat completions as strictly as the vendor takes it: the members, types and bounds of the API
 * reference ("Create chat completion") and of the official client's types, 2026-11. Unknown members are refused.
 */
import { z } from 'zod'

const NAME = /^[a-zA-Z0-9_-]+$/
const breakpoint = z.strictObject({ mode: z.literal('explicit'), ttl: z.enum(['30m', '12h']).optional() }).optional()
const text = z.strictObject({ type: z.literal('text'), text: z.string(), prompt_cache_breakpoint: breakpoint })
const texts = z.union([z.string(), z.array(text).nonempty()])
const dataUrl = z.string().regex(/^data:[\w.+-]+\/[\w.+-]+;base64,/)

const userPart = z.discriminatedUnion('type', [
  text,
  z.strictObject({
    type: z.literal('image_url'),
    image_url: z.strictObject({
      url: z.union([dataUrl, z.url({ protocol: /^https?$/ })]),
      detail: z.enum(['auto', 'low', 'high', 'original']).optional(),
    }),
    prompt_cache_breakpoint: breakpoint,
  }),
  z.strictObject({
    type: z.literal('input_audio'),
    input_audio: z.strictObject({ data: z.base64(), format: z.enum(['wav', 'mp3']) }),
    prompt_cache_breakpoint: breakpoint,
  }),
  z.strictObject({
    type: z.literal('file'),
    file: z.union([
      z.strictObject({ file_id: z.string(), filename: z.string().optional() }),
      z.strictObject({ file_data: dataUrl, filename: z.string() }),
    ]),
    prompt_cache_breakpoint: breakpoint,
  }),
])

const call = z.discriminatedUnion('type', [
  z.strictObject({
    id: z.string().min(1).max(40),
    type: z.literal('function'),
    function: z.strictObject({ name: z.string().max(64).regex(NAME), arguments: z.string() }),
  }),
  z.strictObject({
    id: z.string().min(1).max(40),
    type: z.literal('custom'),
    custom: z.strictObject({ name: z.string().max(64).regex(NAME), input: z.string() }),
  }),
])
const refusalPart = z.strictObject({ type: z.literal('refusal'), refusal: z.string() })
const name = z.string().max(64).optional()

const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.enum(['system', 'developer']), content: texts, name }),
  z.strictObject({ role: z.literal('user'), content: z.union([z.string(), z.array(userPart).nonempty()]), name }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.union([z.string(), z.array(z.discriminatedUnion('type', [text, refusalPart])).nonempty()]).nullish(),
    name,
    refusal: z.string().nullish(),
    // Answers have them, and clients that send a whole message back are not refused.
    annotations: z.array(z.looseObject({ type: z.string() })).nullish(),
    audio: z.strictObject({ id: z.string() }).nullish(),
    tool_calls: z.array(call).nonempty().optional(),
    function_call: z.strictObject({ name: z.string(), arguments: z.string() }).optional(),
  }),
  z.strictObject({ role: z.literal('tool'), content: texts, tool_call_id: z.string() }),
  z.strictObject({ role: z.literal('function'), content: z.string().nullable(), name: z.string() }),
])

const schemaObject = z.record(z.string(), z.unknown())
const functionOf = z.strictObject({
  name: z.string().max(64).regex(NAME),
  description: z.string().optional(),
  parameters: schemaObject.optional(),
  strict: z.boolean().nullish(),
})
const tool = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('function'), function: functionOf }),
  z.strictObject({
    type: z.literal('custom'),
    custom: z.strictObject({
      name: z.string().max(64).regex(NAME),
      description: z.string().optional(),
      format: schemaObject.optional(),
    }),
  }),
])
const reference = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('function'), function: z.strictObject({ name: z.string() }) }),
  z.strictObject({ type: z.literal('custom'), custom: z.strictObject({ name: z.string() }) }),
])
const toolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  reference,
  z.strictObject({
    type: z.literal('allowed_tools'),
    allowed_tools: z.strictObject({ mode: z.enum(['auto', 'required']), tools: z.array(reference) }),
  }),
])
const format = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({
    type: z.literal('json_schema'),
    json_schema: z.strictObject({
      name: z.string().max(64).regex(NAME),
      description: z.string().optional(),
      schema: schemaObject.optional(),
      strict: z.boolean().nullish(),
    }),
  }),
])

export const requestSchema = z.strictObject({
  model: z.string().min(1),
  messages: z.array(message).nonempty(),
  audio: z
    .strictObject({ voice: z.union([z.string(), z.strictObject({ id: z.string() })]), format: z.string() })
    .nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  function_call: z.union([z.enum(['none', 'auto']), z.strictObject({ name: z.string() })]).optional(),
  functions: z.array(functionOf).nonempty().optional(),
  logit_bias: z.record(z.string(), z.number().min(-100).max(100)).nullish(),
  logprobs: z.boolean().nullish(),
  max_completion_tokens: z.int().positive().nullish(),
  max_tokens: z.int().positive().nullish(),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  modalities: z.array(z.enum(['text', 'audio'])).nullish(),
  n: z.int().min(1).max(128).nullish(),
  parallel_tool_calls: z.boolean().optional(),
  prediction: z.strictObject({ type: z.literal('content'), content: texts }).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  prompt_cache_key: z.string().nullish(),
  prompt_cache_options: schemaObject.optional(),
  prompt_cache_retention: z.enum(['in_memory', '24h']).nullish(),
  reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).nullish(),
  response_format: format.optional(),
  safety_identifier: z.string().max(64).nullish(),
  seed: z.int().nullish(),
  service_tier: z.enum(['auto', 'default', 'flex', 'scale', 'priority', 'fast']).nullish(),
  stop: z.union([z.string(), z.array(z.string()).min(1).max(4)]).nullish(),
  store: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().optional(), include_obfuscation: z.boolean().optional() })
    .nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  tool_choice: toolChoice.optional(),
  tools: z.array(tool).min(1).max(128).optional(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  user: z.string().max(64).optional(),
  verbosity: z.enum(['low', 'medium', 'high']).nullish(),
  web_search_options: schemaObject.optional(),
})

export type ChatBody = z.infer<typeof requestSchema>
