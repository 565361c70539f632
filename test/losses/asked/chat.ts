import { type FullRequest, PDF, PNG, WEATHER } from './full-request.ts'

/** "Create a chat completion" (OpenAI, API reference, 2026-11). */
export const CHAT: readonly FullRequest[] = [
  {
    feature: 'parts',
    input: {
      request: {
        model: 'fast',
        messages: [
          { role: 'developer', content: [{ type: 'text', text: 'rule' }] },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'Hi' },
              { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}`, detail: 'low' } },
              { type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } },
              { type: 'file', file: { file_data: `data:application/pdf;base64,${PDF}`, filename: 'a.pdf' } },
              { type: 'file', file: { file_id: 'file-1' } },
            ],
          },
          { role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }], audio: { id: 'audio_1' } },
          {
            role: 'assistant',
            content: [{ type: 'text', text: 'looking' }],
            tool_calls: [
              { id: 'call_1', type: 'function', function: { name: 'look', arguments: '{}' } },
              { id: 'call_2', type: 'custom', custom: { name: 'free', input: 'text' } },
            ],
          },
          { role: 'tool', tool_call_id: 'call_1', content: [{ type: 'text', text: 'seen' }] },
          { role: 'tool', tool_call_id: 'call_2', content: 'seen' },
          { role: 'assistant', content: null, function_call: { name: 'look', arguments: '{}' } },
          { role: 'function', name: 'look', content: 'seen' },
          { role: 'user', content: 'More' },
        ],
        tools: [
          { type: 'function', function: { name: 'look', parameters: WEATHER } },
          {
            type: 'custom',
            custom: { name: 'free', format: { type: 'grammar', grammar: { syntax: 'lark', definition: 'a' } } },
          },
        ],
        tool_choice: {
          type: 'allowed_tools',
          allowed_tools: { mode: 'auto', tools: [{ type: 'function', function: { name: 'look' } }] },
        },
      },
    },
  },
  {
    feature: 'beside the conversation',
    input: {
      request: {
        model: 'gpt-search',
        messages: [{ role: 'user', content: 'Hi' }],
        audio: { voice: 'alloy', format: 'wav' },
        modalities: ['text', 'audio'],
        prediction: { type: 'content', content: [{ type: 'text', text: 'guess' }] },
        response_format: { type: 'json_schema', json_schema: { name: 'n', schema: WEATHER, strict: false } },
        web_search_options: {
          search_context_size: 'low',
          user_location: { type: 'approximate', approximate: { city: 'Turin' } },
        },
        stream: true,
        stream_options: { include_usage: true, include_obfuscation: false },
        reasoning_effort: 'low',
      },
    },
  },
]
