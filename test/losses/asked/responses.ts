import type { JsonObject } from '../../../src/ai/ir/json.ts'
import { type FullRequest, PDF, PNG, WEATHER } from './full-request.ts'

function items(feature: string, ...input: readonly JsonObject[]): FullRequest {
  return { feature, input: { request: { model: 'fast', input } } }
}

/** "Create a response" (OpenAI, API reference, 2026-11). */
export const RESPONSES: readonly FullRequest[] = [
  items(
    'input',
    {
      type: 'message',
      role: 'user',
      content: [
        { type: 'input_text', text: 'Hi' },
        { type: 'input_image', image_url: `data:image/png;base64,${PNG}`, detail: 'low' },
        { type: 'input_file', file_data: `data:application/pdf;base64,${PDF}`, filename: 'a.pdf' },
      ],
    },
    {
      type: 'message',
      role: 'assistant',
      id: 'msg_1',
      status: 'completed',
      content: [
        {
          type: 'output_text',
          text: 'cited',
          annotations: [{ type: 'url_citation', url: 'https://a.example', title: 't', start_index: 0, end_index: 2 }],
          logprobs: [
            { token: 'c', logprob: -1, bytes: [99], top_logprobs: [{ token: 'c', logprob: -1, bytes: [99] }] },
          ],
        },
        { type: 'refusal', refusal: 'no' },
      ],
    },
    {
      type: 'reasoning',
      id: 'rs_1',
      summary: [{ type: 'summary_text', text: 'hm' }],
      content: [{ type: 'reasoning_text', text: 'hm hm' }],
    },
    { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'look', arguments: '{}', status: 'completed' },
    {
      type: 'function_call_output',
      call_id: 'call_1',
      output: [
        { type: 'input_text', text: 'seen' },
        { type: 'input_image', image_url: `data:image/png;base64,${PNG}` },
      ],
    },
    { type: 'custom_tool_call', id: 'ctc_1', call_id: 'call_2', name: 'free', input: 'text' },
    { type: 'custom_tool_call_output', call_id: 'call_2', output: 'seen' },
    {
      type: 'web_search_call',
      id: 'ws_1',
      status: 'completed',
      action: { type: 'search', query: 'q', sources: [{ type: 'url', url: 'u' }] },
    },
    {
      type: 'file_search_call',
      id: 'fs_1',
      status: 'completed',
      queries: ['q'],
      results: [{ file_id: 'f', text: 't', attributes: { a: 1 } }],
    },
    {
      type: 'code_interpreter_call',
      id: 'ci_1',
      code: '1',
      container_id: 'c',
      outputs: [{ type: 'logs', logs: '1' }],
      status: 'completed',
    },
    { type: 'mcp_call', id: 'mcp_1', name: 'n', server_label: 's', arguments: '{}', output: 'o' },
    {
      type: 'mcp_list_tools',
      id: 'mcpl_1',
      server_label: 's',
      tools: [{ name: 'n', input_schema: WEATHER, annotations: { title: 't' } }],
    },
    { type: 'compaction', id: 'cmp_1', encrypted_content: 'x' },
    { role: 'user', content: 'More' },
  ),
  {
    feature: 'beside the conversation',
    input: {
      request: {
        model: 'fast',
        input: 'Hi',
        reasoning: { effort: 'low', summary: 'auto' },
        text: { verbosity: 'low', format: { type: 'json_schema', name: 'n', schema: WEATHER, strict: false } },
        stream: true,
        stream_options: { include_obfuscation: false },
        context_management: [{ type: 'compaction', compact_threshold: 5 }],
        tools: [
          { type: 'function', name: 'look', parameters: WEATHER, strict: false },
          { type: 'custom', name: 'free', format: { type: 'grammar', syntax: 'lark', definition: 'a' } },
          {
            type: 'web_search',
            filters: { allowed_domains: ['a.example'] },
            user_location: { type: 'approximate', city: 'Turin' },
          },
          {
            type: 'file_search',
            vector_store_ids: ['v'],
            ranking_options: { ranker: 'auto', hybrid_search: { text_weight: 1 } },
            filters: { type: 'eq', key: 'k', value: 'v' },
          },
          {
            type: 'code_interpreter',
            container: { type: 'auto', file_ids: ['f'], network_policy: { type: 'disabled' } },
          },
          {
            type: 'mcp',
            server_label: 's',
            server_url: 'https://mcp.example',
            allowed_tools: { tool_names: ['n'] },
            require_approval: { never: { tool_names: ['n'] } },
          },
          { type: 'image_generation', input_image_mask: { file_id: 'f' } },
          { type: 'computer_use_preview', display_width: 1, display_height: 1, environment: 'browser' },
          {
            type: 'namespace',
            name: 'n',
            description: 'd',
            tools: [{ type: 'function', name: 'inner', parameters: WEATHER }],
          },
        ],
        tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'look' }] },
      },
    },
  },
]
