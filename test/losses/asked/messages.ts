import type { JsonObject } from '../../../src/ai/ir/json.ts'
import { type FullRequest, PDF, PNG, WEATHER } from './full-request.ts'

function messages(feature: string, ...contents: readonly JsonObject[]): FullRequest {
  return { feature, input: { request: { model: 'fast', max_tokens: 1000, messages: contents } } }
}

function user(...content: readonly JsonObject[]): JsonObject {
  return { role: 'user', content }
}

/** "Messages" (Anthropic, API reference, 2026-11). */
export const MESSAGES: readonly FullRequest[] = [
  messages(
    'sources',
    user(
      { type: 'image', source: { type: 'url', url: 'https://a.example/a.png' } },
      { type: 'image', source: { type: 'file', file_id: 'file_1' } },
      {
        type: 'document',
        source: { type: 'text', media_type: 'text/plain', data: 'plain' },
        citations: { enabled: true },
      },
      { type: 'document', source: { type: 'content', content: [{ type: 'text', text: 'inner' }] } },
      { type: 'document', source: { type: 'url', url: 'https://a.example/a.pdf' } },
      { type: 'document', source: { type: 'file', file_id: 'file_2' }, title: 'T', context: 'C' },
      {
        type: 'search_result',
        source: 'https://a.example',
        title: 'Found',
        content: [{ type: 'text', text: 'found' }],
        citations: { enabled: true },
        cache_control: { type: 'ephemeral', ttl: '1h' },
      },
      { type: 'container_upload', file_id: 'file_3' },
    ),
  ),
  messages(
    'results',
    user({ type: 'text', text: 'Hi' }),
    {
      role: 'assistant',
      content: [
        { type: 'redacted_thinking', data: 'c2VhbA==' },
        { type: 'tool_use', id: 'toolu_1', name: 'look', input: {} },
        { type: 'tool_use', id: 'toolu_2', name: 'look', input: {} },
      ],
    },
    user(
      {
        type: 'tool_result',
        tool_use_id: 'toolu_1',
        is_error: false,
        content: [
          { type: 'text', text: 'seen' },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
          { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: PDF } },
          { type: 'search_result', source: 's', title: 't', content: [{ type: 'text', text: 'in a result' }] },
          { type: 'tool_reference', tool_name: 'look' },
        ],
      },
      { type: 'tool_result', tool_use_id: 'toolu_2', content: 'plain', cache_control: { type: 'ephemeral' } },
    ),
  ),
  messages(
    'run by the vendor',
    user({ type: 'text', text: 'Hi' }),
    {
      role: 'assistant',
      content: [
        { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'q' } },
        {
          type: 'web_search_tool_result',
          tool_use_id: 'srvtoolu_1',
          content: [{ type: 'web_search_result', url: 'https://a.example', title: 't', encrypted_content: 'x' }],
        },
        { type: 'mcp_tool_use', id: 'mcptoolu_1', name: 'n', server_name: 's', input: {} },
        { type: 'mcp_tool_result', tool_use_id: 'mcptoolu_1', is_error: false, content: [{ type: 'text', text: 'r' }] },
        {
          type: 'text',
          text: 'cited',
          citations: [{ type: 'web_search_result_location', url: 'https://a.example', title: 't', cited_text: 'c' }],
        },
      ],
    },
    user({ type: 'text', text: 'More' }),
  ),
  {
    feature: 'beside the conversation',
    input: {
      request: {
        model: 'fast',
        max_tokens: 1000,
        messages: [user({ type: 'text', text: 'Hi' })],
        system: [{ type: 'text', text: 'rule', cache_control: { type: 'ephemeral' } }],
        context_management: {
          edits: [{ type: 'clear_tool_uses_20250919', trigger: { type: 'input_tokens', value: 9 } }],
        },
        container: { id: 'container_1', skills: [{ type: 'anthropic', skill_id: 'pptx', version: 'latest' }] },
        mcp_servers: [
          {
            type: 'url',
            url: 'https://mcp.example',
            name: 'm',
            tool_configuration: { enabled: true, allowed_tools: ['a'] },
          },
        ],
        output_config: { effort: 'medium', task_budget: { type: 'tokens', total: 5 } },
        thinking: { type: 'adaptive', display: 'summarized' },
        tools: [
          {
            name: 'look',
            input_schema: WEATHER,
            cache_control: { type: 'ephemeral' },
            input_examples: [{ city: 'X' }],
          },
          {
            type: 'mcp_toolset',
            mcp_server_name: 'm',
            default_config: { enabled: false },
            configs: { a: { enabled: true } },
          },
          {
            type: 'web_search_20250305',
            name: 'web_search',
            user_location: { type: 'approximate', city: 'Turin' },
            allowed_domains: ['a.example'],
          },
          { type: 'memory_20250818', name: 'memory' },
          { type: 'computer_20250124', name: 'computer', display_width_px: 1, display_height_px: 1 },
        ],
        tool_choice: { type: 'auto', disable_parallel_tool_use: false },
      },
    },
  },
]
