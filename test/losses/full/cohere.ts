import { type Answers, bare } from './events.ts'

const COHERE_CITATION = {
  start: 0,
  end: 4,
  text: 'said',
  type: 'TEXT_CONTENT',
  content_index: 0,
  sources: [
    {
      type: 'document',
      id: 'doc_first',
      document: { id: 'doc_first', title: 'title of it', url: 'https://doc.example/1', snippet: 'words of it' },
    },
    { type: 'tool', id: 'tool_source', tool_output: { found: 'output of tool' } },
  ],
}
const COHERE_USAGE = {
  billed_units: { input_tokens: 20, output_tokens: 10, search_units: 2, classifications: 3 },
  tokens: { input_tokens: 90, output_tokens: 12 },
  cached_tokens: 5,
}
/** "Chat" (Cohere, API reference, 2026-11). */
export const COHERE: Answers = {
  'every member': {
    whole: {
      id: 'cohere-full',
      finish_reason: 'COMPLETE',
      message: {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'thought in words' },
          { type: 'text', text: 'said in words' },
        ],
        citations: [COHERE_CITATION],
      },
      usage: COHERE_USAGE,
      logprobs: [{ text: 'said', logprobs: [-0.5], token_ids: [7] }],
    },
    events: bare([
      {
        type: 'message-start',
        id: 'cohere-full',
        delta: { message: { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] } },
      },
      { type: 'content-start', index: 0, delta: { message: { content: { type: 'thinking', thinking: '' } } } },
      { type: 'content-delta', index: 0, delta: { message: { content: { thinking: 'thought in words' } } } },
      { type: 'content-end', index: 0 },
      { type: 'content-start', index: 1, delta: { message: { content: { type: 'text', text: '' } } } },
      {
        type: 'content-delta',
        index: 1,
        delta: { message: { content: { text: 'said in words' } } },
        logprobs: { text: 'said', logprobs: [-0.5], token_ids: [7] },
      },
      { type: 'citation-start', index: 0, delta: { message: { citations: COHERE_CITATION } } },
      { type: 'citation-end', index: 0 },
      { type: 'content-end', index: 1 },
      { type: 'message-end', id: 'cohere-full', delta: { finish_reason: 'COMPLETE', usage: COHERE_USAGE } },
    ]),
  },
}
