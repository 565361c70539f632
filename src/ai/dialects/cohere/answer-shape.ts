import { isObject, type JsonObject } from '../../ir/json.ts'
import { byType, type Shape } from '../answer-shape.ts'

const COUNTS: Shape = { input_tokens: 'read', output_tokens: 'read' }
const BILLED: Shape = { ...COUNTS, search_units: 'read' }
/** What went through the model counts where nobody says what is billed. */
const USAGE = ({ billed_units: billed }: JsonObject): Shape => {
  return { billed_units: BILLED, tokens: isObject(billed) ? 'ran' : COUNTS, cached_tokens: 'read' }
}
/** The tokens' own numbers mean nothing elsewhere. */
const LOGPROBS: Shape = { text: 'read', logprobs: 'read', token_ids: 'ran' }
const CALL: Shape = { id: 'read', type: 'read', function: { name: 'read', arguments: 'read' } }
const CONTENT: Shape = { type: 'read', text: 'read', thinking: 'read' }

/** The answer of `/v2/chat`. */
export const ANSWER: Shape = {
  id: 'read',
  finish_reason: 'read',
  message: {
    role: 'ran',
    content: [byType({ text: { type: 'read', text: 'read' }, thinking: { type: 'read', thinking: 'read' } }, 'lost')],
    tool_plan: 'read',
    tool_calls: [CALL],
    citations: 'kept',
  },
  usage: USAGE,
  logprobs: [LOGPROBS],
  '*': 'kept',
}

const AT = { type: 'read', index: 'ran' } as const

/** One event of a stream. */
export const EVENT = byType(
  {
    'message-start': {
      ...AT,
      id: 'read',
      delta: { message: { role: 'ran', content: 'ran', tool_plan: 'ran', tool_calls: 'ran', citations: 'ran' } },
    },
    'content-start': { ...AT, delta: { message: { content: CONTENT } } },
    'content-delta': { ...AT, delta: { message: { content: CONTENT } }, logprobs: LOGPROBS },
    'content-end': AT,
    'tool-plan-delta': { ...AT, delta: { message: { tool_plan: 'read' } } },
    'tool-call-start': { ...AT, delta: { message: { tool_calls: CALL } } },
    'tool-call-delta': { ...AT, delta: { message: { tool_calls: CALL } } },
    'tool-call-end': AT,
    'citation-start': { ...AT, delta: { message: { citations: 'kept' } } },
    'citation-end': AT,
    'message-end': { ...AT, id: 'ran', delta: { finish_reason: 'read', error: 'read', usage: USAGE } },
    debug: { '*': 'ran' },
  },
  { type: 'lost' },
)
