import type { JsonObject } from '../../../src/ai/ir/json.ts'
import type { WireAnswer } from '../answer-outcome.ts'
import { type Answers, named } from './events.ts'

function messages(content: readonly JsonObject[], more: JsonObject): WireAnswer {
  const usage = {
    input_tokens: 25,
    cache_creation_input_tokens: 30,
    cache_read_input_tokens: 12,
    cache_creation: { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 10 },
    output_tokens: 41,
    output_tokens_details: { thinking_tokens: 11 },
    server_tool_use: { web_search_requests: 2, web_fetch_requests: 3 },
    service_tier: 'priority',
    speed: 'fast',
    inference_geo: 'us',
  }
  const body = { id: 'msg_full', type: 'message', role: 'assistant', model: 'claude-sonnet-5' }
  const end = { stop_reason: 'end_turn', stop_sequence: null, ...more }
  return {
    whole: { ...body, content, ...end, usage },
    events: named([
      { type: 'message_start', message: { ...body, content: [], stop_reason: null, stop_sequence: null, usage } },
      ...content.flatMap((block, index) => [
        { type: 'content_block_start', index, content_block: block },
        { type: 'content_block_stop', index },
      ]),
      { type: 'message_delta', delta: end, usage },
      { type: 'message_stop' },
    ]),
  }
}

const CITED = { cited_text: 'words of the source', document_index: 3, document_title: 'title of the source' }

/** "Messages" (Anthropic, API reference, 2026-11). */
export const MESSAGES: Answers = {
  'every block': messages(
    [
      { type: 'thinking', thinking: 'thought of it', signature: 'c2VhbCBvZiBhIHRob3VnaHQ=' },
      { type: 'redacted_thinking', data: 'aGlkZGVuIHRob3VnaHQ=' },
      {
        type: 'text',
        text: 'said with sources',
        citations: [
          { type: 'char_location', ...CITED, start_char_index: 1, end_char_index: 5, file_id: 'file_of_it' },
          { type: 'page_location', ...CITED, start_page_number: 2, end_page_number: 3 },
          { type: 'content_block_location', ...CITED, start_block_index: 4, end_block_index: 6 },
          {
            type: 'search_result_location',
            cited_text: 'found words',
            source: 'https://found.example/page',
            title: 'found title',
            search_result_index: 7,
            start_block_index: 8,
            end_block_index: 9,
          },
          {
            type: 'web_search_result_location',
            cited_text: 'words of the web',
            url: 'https://web.example/page',
            title: 'web title',
            encrypted_index: 'ZW5jcnlwdGVkIGluZGV4',
          },
        ],
      },
      {
        type: 'tool_use',
        id: 'toolu_full',
        name: 'get_weather',
        input: { city: 'Oslo' },
        caller: { type: 'code', tool_id: 'srvtoolu_9' },
      },
      { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_fetch', input: { url: 'https://a.example/fetched' } },
      {
        type: 'web_fetch_tool_result',
        tool_use_id: 'srvtoolu_1',
        content: { type: 'web_fetch_result', url: 'https://a.example/fetched', retrieved_at: '2026-11-21' },
      },
      {
        type: 'code_execution_tool_result',
        tool_use_id: 'srvtoolu_2',
        content: { type: 'code_execution_result', stdout: 'printed text', stderr: 'error text', return_code: 4 },
      },
      { type: 'mcp_tool_use', id: 'mcptoolu_1', name: 'ask', server_name: 'server of tools', input: { a: 1 } },
      {
        type: 'mcp_tool_result',
        tool_use_id: 'mcptoolu_1',
        is_error: true,
        content: [{ type: 'text', text: 'said by the tool' }],
      },
      { type: 'container_upload', file_id: 'file_uploaded' },
    ],
    {
      container: {
        id: 'container_full',
        expires_at: '2026-11-22T00:00:00Z',
        skills: [{ type: 'custom', skill_id: 'skill_full', version: 'latest one' }],
      },
      context_management: {
        applied_edits: [{ type: 'clear_tool_uses', cleared_tool_uses: 3, cleared_input_tokens: 500 }],
      },
    },
  ),
  refused: messages([{ type: 'text', text: 'I will not' }], {
    stop_reason: 'refusal',
    stop_details: { type: 'refusal', category: 'weapons of war', explanation: 'because it is forbidden' },
  }),
}
