import type { Shape } from '../answer-shape.ts'
import { OPENAI_USAGE } from '../openai-usage-shape.ts'

const MEMBERS = {
  id: 'read',
  // Which form it has, and what it ran on.
  object: 'ran',
  system_fingerprint: 'ran',
  created: 'read',
  model: 'read',
  usage: OPENAI_USAGE,
  service_tier: 'read',
  choices: [
    {
      text: 'read',
      index: 'read',
      finish_reason: 'read',
      stop_reason: 'read',
      // Where each token stands follows from the tokens before it.
      logprobs: { tokens: 'read', token_logprobs: 'read', top_logprobs: 'read', text_offset: 'ran' },
      content_filter_results: 'ran',
      token_ids: 'ran',
      prompt_token_ids: 'ran',
      prompt_logprobs: 'ran',
    },
  ],
} as const

/** `text_completion`, whole. */
export const COMPLETION: Shape = { ...MEMBERS, '*': 'kept' }
/** The same as an event of a stream. */
export const CHUNK: Shape = MEMBERS
