import { byType, type Shape } from '../answer-shape.ts'

const USAGE: Shape = {
  input_tokens: 'read',
  output_tokens: 'read',
  cache_creation_input_tokens: 'read',
  cache_read_input_tokens: 'read',
  cache_creation: { ephemeral_5m_input_tokens: 'read', ephemeral_1h_input_tokens: 'read' },
  output_tokens_details: { thinking_tokens: 'read' },
  server_tool_use: { web_search_requests: 'read' },
  service_tier: 'read',
  speed: 'read',
  inference_geo: 'read',
}
/** Blocks of a kind that nobody here knows are kept whole. */
const BLOCK = byType(
  {
    text: { type: 'read', text: 'read', citations: 'kept', '*': 'kept' },
    thinking: { type: 'read', thinking: 'read', signature: 'read', '*': 'kept' },
    redacted_thinking: { type: 'read', data: 'read', '*': 'kept' },
    tool_use: { type: 'read', id: 'read', name: 'read', input: 'read', '*': 'kept' },
  },
  'kept',
)

/** A whole `message`. */
export const MESSAGE: Shape = {
  id: 'read',
  type: 'ran',
  role: 'ran',
  model: 'read',
  content: [BLOCK],
  stop_reason: 'read',
  stop_sequence: 'read',
  usage: USAGE,
  '*': 'kept',
}

const DELTA = byType(
  {
    text_delta: { type: 'read', text: 'read' },
    thinking_delta: { type: 'read', thinking: 'read' },
    input_json_delta: { type: 'read', partial_json: 'read' },
    signature_delta: { type: 'read', signature: 'read' },
    citations_delta: { type: 'read', citation: 'kept' },
  },
  'kept',
)

/** One event of a stream. */
export const EVENT = byType(
  {
    message_start: { type: 'read', message: MESSAGE },
    content_block_start: { type: 'read', index: 'read', content_block: BLOCK },
    content_block_delta: { type: 'read', index: 'read', delta: DELTA },
    content_block_stop: { type: 'read', index: 'read' },
    message_delta: {
      type: 'read',
      delta: { stop_reason: 'read', stop_sequence: 'read', '*': 'kept' },
      usage: USAGE,
      context_management: 'kept',
    },
    message_stop: { type: 'read' },
    ping: { '*': 'ran' },
    error: { '*': 'read' },
  },
  { type: 'lost' },
)
