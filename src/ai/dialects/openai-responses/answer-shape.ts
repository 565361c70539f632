import { byType, type Reading, type Shape } from '../answer-shape.ts'
import { OPENAI_USAGE } from '../openai-usage-shape.ts'

/** Members that repeat the request, or tell how the upstream ran: nobody on the other side reads them. */
export const ECHOES = {
  object: 'ran',
  completed_at: 'ran',
  access_programs: 'ran',
  background: 'ran',
  billing: 'ran',
  conversation: 'ran',
  frequency_penalty: 'ran',
  image: 'ran',
  instructions: 'ran',
  max_output_tokens: 'ran',
  max_tool_calls: 'ran',
  metadata: 'ran',
  parallel_tool_calls: 'ran',
  presence_penalty: 'ran',
  previous_response_id: 'ran',
  prompt: 'ran',
  prompt_cache_diagnostics: 'ran',
  prompt_cache_key: 'ran',
  prompt_cache_options: 'ran',
  prompt_cache_retention: 'ran',
  reasoning: 'ran',
  safety_identifier: 'ran',
  store: 'ran',
  temperature: 'ran',
  text: 'ran',
  tool_choice: 'ran',
  tool_usage: 'ran',
  tools: 'ran',
  top_logprobs: 'ran',
  top_p: 'ran',
  truncation: 'ran',
  user: 'ran',
  // All texts of the output once more.
  output_text: 'ran',
} as const

const COMMON = { id: 'read', type: 'read', status: 'ran', created_by: 'ran' } as const
const TEXT = { type: 'read', text: 'read' } as const
const SAID = { ...TEXT, annotations: 'kept', logprobs: 'read' } as const
const REFUSAL: Shape = { type: 'read', refusal: 'read' }
const IMAGE: Shape = { ...COMMON, result: 'read', output_format: 'read' }
/** Members of a call that are read. */
export const CALL = { ...COMMON, call_id: 'read', name: 'read', arguments: 'read', input: 'read' } as const
const THOUGHT = { ...COMMON, summary: [TEXT], content: [TEXT], encrypted_content: 'read' } as const

/** An item of an output as it stands in a whole answer. A picture is one when there is a result; before that it is kept. */
const ITEM = itemOf('kept')
/** The same in a stream, where texts go on with what was said of them at their beginning. */
const STREAMED = itemOf('lost')

function itemOf(others: Reading): Reading {
  const said = byType(
    { output_text: { ...SAID, '*': others }, text: { ...SAID, '*': others }, refusal: REFUSAL },
    others,
  )
  const pictures = ({ result }: { readonly result?: unknown }) => (typeof result === 'string' ? IMAGE : 'kept')
  return (item) => {
    if (item['type'] === 'image_generation_call') return pictures(item)
    return byType(
      {
        message: { ...COMMON, role: 'ran', phase: 'kept', content: [said] },
        reasoning: { ...THOUGHT, '*': others },
        function_call: { ...CALL, '*': 'kept' },
        custom_tool_call: { ...CALL, '*': 'kept' },
      },
      'kept',
    )(item)
  }
}

/** A whole `response`. */
export const RESPONSE: Shape = responseOf(ITEM)

function responseOf(item: Reading): Shape {
  return {
    ...ECHOES,
    id: 'read',
    created_at: 'read',
    status: 'read',
    incomplete_details: { reason: 'read' },
    error: 'read',
    model: 'read',
    output: [item],
    usage: OPENAI_USAGE,
    service_tier: 'read',
    '*': 'kept',
  }
}

const AT = {
  type: 'read',
  sequence_number: 'ran',
  item_id: 'read',
  output_index: 'read',
  content_index: 'read',
  summary_index: 'read',
  // Padding that hides the length of events.
  obfuscation: 'ran',
} as const
const BEGIN: Shape = { ...AT, response: 'ran' }
const END: Shape = { ...AT, response: responseOf(STREAMED) }
/** Of texts and thoughts, and of what the vendor's own tools do, all is told when the item is done. */
const ADDED: Shape = {
  ...AT,
  item: byType(
    {
      message: { ...COMMON, role: 'ran', phase: 'kept', content: 'ran', '*': 'lost' },
      reasoning: { ...COMMON, summary: 'ran', content: 'ran', encrypted_content: 'ran' },
      function_call: { ...CALL, '*': 'kept' },
      custom_tool_call: { ...CALL, '*': 'kept' },
    },
    'ran',
  ),
}
const DONE: Shape = { ...AT, item: STREAMED }
const PART = byType(
  {
    output_text: SAID,
    refusal: REFUSAL,
    reasoning_text: TEXT,
    summary_text: TEXT,
  },
  'lost',
)
const PART_EVENT: Shape = { ...AT, part: PART }
const TEXT_EVENT: Shape = { ...AT, delta: 'read', text: 'read', refusal: 'read', logprobs: 'read' }
const CALL_EVENT: Shape = { ...AT, delta: 'read', arguments: 'read', input: 'read', name: 'ran', call_id: 'ran' }
const FAILURE: Shape = { '*': 'read' }

/** One event of a stream; of what the vendor's own tools are at, the whole item tells when it is done. */
export const EVENT = byType(
  {
    'response.created': BEGIN,
    'response.in_progress': BEGIN,
    'response.queued': BEGIN,
    'response.completed': END,
    'response.incomplete': END,
    'response.failed': FAILURE,
    'response.cancelled': FAILURE,
    error: FAILURE,
    'response.output_item.added': ADDED,
    'response.output_item.done': DONE,
    'response.content_part.added': PART_EVENT,
    'response.content_part.done': PART_EVENT,
    'response.reasoning_summary_part.added': PART_EVENT,
    'response.reasoning_summary_part.done': PART_EVENT,
    'response.output_text.delta': TEXT_EVENT,
    'response.output_text.done': TEXT_EVENT,
    'response.refusal.delta': TEXT_EVENT,
    'response.refusal.done': TEXT_EVENT,
    'response.reasoning_text.delta': TEXT_EVENT,
    'response.reasoning_text.done': TEXT_EVENT,
    'response.reasoning_summary_text.delta': TEXT_EVENT,
    'response.reasoning_summary_text.done': TEXT_EVENT,
    'response.output_text.annotation.added': { ...AT, annotation_index: 'ran', annotation: 'kept' },
    'response.function_call_arguments.delta': CALL_EVENT,
    'response.function_call_arguments.done': CALL_EVENT,
    'response.custom_tool_call_input.delta': CALL_EVENT,
    'response.custom_tool_call_input.done': CALL_EVENT,
    keepalive: { '*': 'ran' },
    'response.heartbeat': { '*': 'ran' },
    ...Object.fromEntries(progress().map((name) => [`response.${name}`, { '*': 'ran' } as const])),
  },
  { type: 'lost' },
)

function progress(): readonly string[] {
  const steps: Readonly<Record<string, readonly string[]>> = {
    web_search_call: ['in_progress', 'searching', 'completed'],
    file_search_call: ['in_progress', 'searching', 'completed'],
    code_interpreter_call: ['in_progress', 'interpreting', 'completed'],
    code_interpreter_call_code: ['delta', 'done'],
    image_generation_call: ['in_progress', 'generating', 'partial_image', 'completed'],
    mcp_call: ['in_progress', 'completed', 'failed'],
    mcp_call_arguments: ['delta', 'done'],
    mcp_list_tools: ['in_progress', 'completed', 'failed'],
  }
  return Object.entries(steps).flatMap(([call, names]) => names.map((name) => `${call}.${name}`))
}
