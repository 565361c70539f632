import { LOGPROB } from './chat.ts'
import { type Answers, bare } from './events.ts'

const OLLAMA_LINE = {
  model: 'llama-full',
  created_at: '2026-11-21T00:00:00Z',
  remote_model: 'model elsewhere',
  remote_host: 'https://host.example',
  message: {
    role: 'assistant',
    content: 'said in words',
    thinking: 'thought in words',
    tool_calls: [{ id: 'call_full', function: { name: 'get_weather', arguments: { city: 'Oslo' }, index: 0 } }],
  },
  logprobs: [LOGPROB],
}
const OLLAMA_END = { done: true, done_reason: 'stop', prompt_eval_count: 9, eval_count: 8, total_duration: 123_456 }

/** "Chat" (Ollama, API reference, 2026-11). */
export const OLLAMA: Answers = {
  'every member': {
    whole: { ...OLLAMA_LINE, ...OLLAMA_END },
    events: bare([
      { ...OLLAMA_LINE, done: false },
      {
        model: 'llama-full',
        created_at: '2026-11-21T00:00:00Z',
        message: { role: 'assistant', content: '' },
        ...OLLAMA_END,
      },
    ]),
  },
}
