import {
  anyObject,
  anything,
  array,
  boolean,
  type Check,
  decimal,
  integer,
  type Member,
  object,
  optional,
  required,
  text,
  textOr,
  unsupported,
  variant,
  word,
  wordOr,
} from './checks.ts'

/** Answers of one request; the API itself allows 128, which would let a small request make a huge answer here. */
const MAX_CHOICES = 16
const NAME = /^[a-zA-Z0-9_-]+$/

const textPart = object({ type: required(word('text')), text: required(text()) })
const filePart = (name: string): Check => object({ type: required(word(name)), [name]: required(anyObject) })
const textParts = array(variant('type', { text: textPart }), 1)
const userParts = array(
  variant('type', {
    text: textPart,
    image_url: filePart('image_url'),
    input_audio: filePart('input_audio'),
    file: filePart('file'),
  }),
  1,
)
const assistantParts = array(
  variant('type', {
    text: textPart,
    refusal: object({ type: required(word('refusal')), refusal: required(text()) }),
  }),
  1,
)
const calledFunction = object({ name: required(text(64)), arguments: required(text()) })
const toolCall = object({
  id: required(text()),
  type: required(word('function')),
  function: required(calledFunction),
})

const message = (members: Readonly<Record<string, Member>>): Check =>
  object({ role: required(text()), name: optional(text(64)), ...members })

const messageCheck = variant('role', {
  system: message({ content: required(textOr(textParts)) }),
  assistant: message({
    content: optional(textOr(assistantParts)),
    tool_calls: optional(array(toolCall, 1)),
    refusal: optional(text()),
    annotations: optional(anything),
    audio: optional(anything),
  }),
  user: message({ content: required(textOr(userParts)) }),
  tool: message({ content: required(textOr(textParts)), tool_call_id: required(text()) }),
  developer: message({ content: required(textOr(textParts)) }),
})

const functionTool = object({
  type: required(word('function')),
  function: required(
    object({
      name: required(text(64, NAME)),
      description: optional(text()),
      parameters: optional(anyObject),
      strict: optional(boolean),
    }),
  ),
})

const forcedTool = variant('type', {
  function: object({
    type: required(word('function')),
    function: required(object({ name: required(text(64)) })),
  }),
})

const responseFormat = variant('type', {
  text: object({ type: required(anything) }),
  json_object: object({ type: required(anything) }),
  json_schema: object({
    type: required(anything),
    json_schema: required(
      object({
        name: required(text(64, NAME)),
        description: optional(text()),
        schema: required(anyObject),
        strict: optional(boolean),
      }),
    ),
  }),
})

/** Every top-level parameter of chat completions, as of 2026-11. */
export const bodyCheck = object({
  messages: required(array(messageCheck, 1)),
  model: required(text()),
  audio: optional(unsupported),
  frequency_penalty: optional(decimal(-2, 2)),
  function_call: optional(unsupported),
  functions: optional(unsupported),
  logit_bias: optional(anyObject),
  logprobs: optional((value, path) => boolean(value, path) ?? (value === true ? unsupported(value, path) : null)),
  max_completion_tokens: optional(integer(1)),
  max_tokens: optional(integer(1)),
  metadata: optional(anyObject),
  modalities: optional(array(word('text'), 1)),
  n: optional(integer(1, MAX_CHOICES)),
  parallel_tool_calls: optional(boolean),
  prediction: optional(anyObject),
  presence_penalty: optional(decimal(-2, 2)),
  prompt_cache_key: optional(text()),
  prompt_cache_retention: optional(text()),
  reasoning_effort: optional(text()),
  response_format: optional(responseFormat),
  safety_identifier: optional(text()),
  seed: optional(integer(Number.MIN_SAFE_INTEGER)),
  service_tier: optional(text()),
  stop: optional(textOr(array(text(), 1, 4))),
  store: optional(boolean),
  stream: optional(boolean),
  stream_options: optional(object({ include_usage: optional(boolean), include_obfuscation: optional(boolean) })),
  temperature: optional(decimal(0, 2)),
  tool_choice: optional(wordOr(['none', 'auto', 'required'], forcedTool)),
  tools: optional(array(functionTool, 1, 128)),
  top_logprobs: optional(unsupported),
  top_p: optional(decimal(0, 1)),
  user: optional(text()),
  verbosity: optional(text()),
  web_search_options: optional(unsupported),
})
