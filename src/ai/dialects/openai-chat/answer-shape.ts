import { byType, type Shape, type Variants } from '../answer-shape.ts'
import { OPENAI_USAGE } from '../openai-usage-shape.ts'

const THOUGHT: Shape = {
  type: 'read',
  text: 'read',
  summary: 'read',
  data: 'read',
  signature: 'read',
  thinking: 'read',
  id: 'read',
  index: 'read',
  format: 'read',
  after: 'read',
}
const SIGNED: Shape = { google: { thought_signature: 'read' } }
const TEXT = { type: 'read', text: 'read' } as const
const NAMED = { name: 'read', arguments: 'read' } as const
const FREE = { name: 'read', input: 'read' } as const
const CALL = { id: 'read', index: 'read', type: 'read', extra_content: SIGNED } as const
const LEGACY: Shape = { name: 'read', arguments: 'read' }

const content = (text: Shape) =>
  byType(
    {
      text,
      output_text: text,
      refusal: { type: 'read', refusal: 'read' },
      thinking: { type: 'read', thinking: [{ type: 'read', text: 'read' }], closed: 'ran' },
    },
    'kept',
  )

const SAID = {
  role: 'ran',
  refusal: 'read',
  reasoning: 'read',
  reasoning_content: 'read',
  reasoning_text: 'read',
  reasoning_opaque: 'read',
  reasoning_details: [THOUGHT],
  thinking_blocks: [THOUGHT],
  annotations: 'kept',
  images: [{ type: 'read', index: 'ran', url: 'read', image_url: { url: 'read' } }],
  function_call: LEGACY,
} as const

const WHOLE: Shape = {
  ...SAID,
  content: [content({ ...TEXT, '*': 'kept' })],
  audio: { '*': 'kept' },
  tool_calls: [{ ...CALL, function: { ...NAMED, '*': 'kept' }, custom: { ...FREE, '*': 'kept' }, '*': 'kept' }],
}
const NEWS: Shape = {
  ...SAID,
  content: [content(TEXT)],
  audio: { id: 'read', data: 'read', transcript: 'read', expires_at: 'kept' },
  tool_calls: [{ ...CALL, function: NAMED, custom: FREE }],
}

/** One thought in the words of several upstreams: the one that says most is read, and the others repeat it. */
function thinking(shape: Shape): Variants {
  const repeated: Shape = { ...shape, reasoning: 'ran', reasoning_content: 'ran', reasoning_text: 'ran' }
  const twice: Shape = { ...repeated, thinking_blocks: 'ran' }
  return ({ reasoning_details: details, thinking_blocks: blocks }) => {
    if (Array.isArray(details) && details.length > 0) return twice
    return Array.isArray(blocks) && blocks.length > 0 ? repeated : shape
  }
}

const MESSAGE = thinking(WHOLE)
const DELTA = thinking(NEWS)

/** Probabilities of the tokens of a refusal have no place. */
const LOGPROBS: Shape = { content: 'read', refusal: 'lost' }

/**
 * Members that tell how the upstream ran, and nothing of the answer: the vendor's own, and those of Azure, vLLM, llama.cpp,
 * OpenRouter and Groq.
 */
const RUNNING = {
  object: 'ran',
  system_fingerprint: 'ran',
  provider: 'ran',
  prompt_filter_results: 'ran',
  x_groq: 'ran',
  timings: 'ran',
  prompt_logprobs: 'ran',
  kv_transfer_params: 'ran',
  prompt_token_ids: 'ran',
  // Padding that hides the length of events.
  obfuscation: 'ran',
  p: 'ran',
} as const
const CHOICE = {
  index: 'read',
  finish_reason: 'read',
  stop_reason: 'read',
  logprobs: LOGPROBS,
  content_filter_results: 'ran',
  content_filter_offsets: 'ran',
  native_finish_reason: 'ran',
  token_ids: 'ran',
  seed: 'ran',
  error: 'read',
} as const

const ANSWER = {
  ...RUNNING,
  id: 'read',
  created: 'read',
  model: 'read',
  usage: OPENAI_USAGE,
  service_tier: 'read',
  citations: 'read',
  search_results: [{ url: 'read', title: 'read' }],
} as const

/** `chat.completion`. */
export const COMPLETION: Shape = {
  ...ANSWER,
  choices: [{ ...CHOICE, message: MESSAGE, delta: 'ran' }],
  '*': 'kept',
}
/** `chat.completion.chunk`; some send a whole message as the only one. */
export const CHUNK: Shape = { ...ANSWER, choices: [{ ...CHOICE, delta: DELTA, message: DELTA }] }
