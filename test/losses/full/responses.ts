import type { JsonObject } from '../../../src/ai/ir/json.ts'
import type { WireAnswer } from '../answer-outcome.ts'
import { LOGPROB } from './chat.ts'
import { type Answers, named } from './events.ts'

function responses(output: readonly JsonObject[], more: JsonObject = {}): WireAnswer {
  const body = {
    id: 'resp_full',
    object: 'response',
    created_at: 1_790_000_000,
    model: 'gpt-full',
    service_tier: 'priority',
    status: 'completed',
    incomplete_details: null,
    error: null,
    ...more,
  }
  const usage = {
    input_tokens: 100,
    input_tokens_details: { cached_tokens: 10, cache_write_tokens: 7 },
    output_tokens: 50,
    output_tokens_details: { reasoning_tokens: 20 },
    total_tokens: 150,
  }
  const end = body.status === 'completed' ? 'response.completed' : 'response.incomplete'
  return {
    whole: { ...body, output, usage },
    events: named([
      { type: 'response.created', response: { ...body, status: 'in_progress', output: [], usage: null } },
      ...output.flatMap((item, at) => [
        { type: 'response.output_item.added', output_index: at, item: begun(item) },
        { type: 'response.output_item.done', output_index: at, item },
      ]),
      { type: end, response: { ...body, output, usage } },
    ]),
  }
}

/** An item as it begins: without what comes in pieces. */
function begun(item: JsonObject): JsonObject {
  switch (item['type']) {
    case 'message':
      return { ...item, content: [] }
    case 'reasoning':
      return { type: 'reasoning', id: item['id'], summary: [] }
    case 'image_generation_call':
      return { type: item['type'], id: item['id'], status: 'in_progress', result: null }
    case 'function_call':
      return { ...item, arguments: '' }
    case 'custom_tool_call':
      return { ...item, input: '' }
    default:
      return item
  }
}

/** "The response object" (OpenAI, API reference, 2026-11). */
export const RESPONSES: Answers = {
  'every item': responses([
    {
      type: 'reasoning',
      id: 'rs_full',
      summary: [
        { type: 'summary_text', text: 'thought in short' },
        { type: 'summary_text', text: 'thought again' },
      ],
      content: [{ type: 'reasoning_text', text: 'thought at length' }],
      encrypted_content: 'c2VhbGVkIHRob3VnaHQ=',
    },
    {
      type: 'message',
      id: 'msg_full',
      status: 'completed',
      role: 'assistant',
      phase: 'final_answer',
      content: [
        {
          type: 'output_text',
          text: 'said in words',
          logprobs: [LOGPROB],
          annotations: [
            {
              type: 'url_citation',
              url: 'https://web.example/full',
              title: 'title of it',
              start_index: 1,
              end_index: 4,
            },
            { type: 'file_citation', file_id: 'file_first', filename: 'first name.pdf', index: 3 },
            { type: 'file_path', file_id: 'file_second', index: 5 },
            {
              type: 'container_file_citation',
              container_id: 'container_x',
              file_id: 'file_third',
              filename: 'third name.csv',
              start_index: 2,
              end_index: 5,
            },
          ],
        },
        { type: 'refusal', refusal: 'refused in words' },
      ],
    },
    {
      type: 'function_call',
      id: 'fc_full',
      call_id: 'call_first',
      name: 'get_weather',
      arguments: '{}',
      status: 'completed',
      namespace: 'space of tools',
    },
    {
      type: 'custom_tool_call',
      id: 'ctc_full',
      call_id: 'call_second',
      name: 'run_code',
      input: 'print(1)',
      status: 'completed',
    },
    {
      type: 'web_search_call',
      id: 'ws_full',
      status: 'completed',
      action: { type: 'search', query: 'asked the web', sources: [{ type: 'url', url: 'https://source.example/1' }] },
    },
    {
      type: 'file_search_call',
      id: 'fs_full',
      status: 'completed',
      queries: ['asked the files'],
      results: [{ file_id: 'file_found', filename: 'found name', score: 0.5, text: 'found text of it' }],
    },
    {
      type: 'code_interpreter_call',
      id: 'ci_full',
      status: 'completed',
      code: 'code that ran',
      container_id: 'container_y',
      outputs: [{ type: 'logs', logs: 'logs of it' }],
    },
    {
      type: 'computer_call',
      id: 'cu_full',
      call_id: 'call_computer',
      status: 'completed',
      action: { type: 'click', x: 3, y: 4, button: 'left button' },
      pending_safety_checks: [{ id: 'sc_1', code: 'code of check', message: 'message of check' }],
    },
    {
      type: 'mcp_call',
      id: 'mcp_full',
      name: 'ask it',
      server_label: 'label of server',
      arguments: '{}',
      output: 'output of tool',
      error: 'error of tool',
    },
    {
      type: 'image_generation_call',
      id: 'ig_full',
      status: 'completed',
      result: 'iVBORw0KGgo=',
      output_format: 'png',
      revised_prompt: 'prompt as revised',
      size: '1024x1024',
      quality: 'high quality',
      background: 'opaque ground',
      action: 'generated it',
    },
  ]),
  incomplete: responses(
    [
      {
        type: 'message',
        id: 'msg_cut',
        status: 'incomplete',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'said and cut', annotations: [], logprobs: [] }],
      },
    ],
    { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
  ),
}
