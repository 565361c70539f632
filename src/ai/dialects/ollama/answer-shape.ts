import type { Shape } from '../answer-shape.ts'

const LINE = {
  model: 'read',
  created_at: 'read',
  message: {
    role: 'ran',
    content: 'read',
    thinking: 'read',
    tool_calls: [{ id: 'read', type: 'ran', function: { name: 'read', arguments: 'read', index: 'ran' } }],
  },
  done: 'read',
  done_reason: 'read',
  prompt_eval_count: 'read',
  eval_count: 'read',
  logprobs: 'read',
  // How long the server took.
  total_duration: 'ran',
  load_duration: 'ran',
  prompt_eval_duration: 'ran',
  eval_duration: 'ran',
} as const

/** A line of `/api/chat` that is not the last. */
export const PIECE: Shape = LINE
/** The last line, or the only one. */
export const LAST: Shape = { ...LINE, '*': 'kept' }
