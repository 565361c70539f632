import {
  CHAT,
  COMPLETIONS,
  type EndpointRow,
  MESSAGES,
  type ProviderRow,
  RESPONSES,
  row,
  under,
} from '../provider-row.ts'

const NO_KEY = { foundBy: [] } as const
const VERSION = ['anthropic-version', '2023-06-01']

/** Its native dialect comes last: the compatible ones carry the same and are relayed to more clients. */
const OLLAMA: readonly EndpointRow[] = [
  under('/v1', CHAT),
  under('/v1', RESPONSES),
  under('/v1', COMPLETIONS),
  under('/v1', MESSAGES, { headers: VERSION }),
  { dialect: 'ollama', path: '/api/chat' },
]

/** Servers that people run themselves, and anything else that is compatible. */
export const SERVERS: readonly ProviderRow[] = [
  row('ollama', 'http://127.0.0.1:11434', null, {
    baseEnds: ['/v1', '/api'],
    baseUrlVariable: 'OLLAMA_HOST',
    foundBy: [['OLLAMA_HOST']],
    endpoints: OLLAMA,
    habits: { reasoningReplay: 'reasoning' },
    discovery: { path: '/api/tags', form: 'ollama' },
  }),
  row('ollama-cloud', 'https://ollama.com', 'OLLAMA_API_KEY', {
    baseEnds: ['/v1', '/api'],
    endpoints: OLLAMA,
    habits: { reasoningReplay: 'reasoning' },
    discovery: { path: '/api/tags', form: 'ollama' },
  }),
  row('vllm', 'http://127.0.0.1:8000/v1', null, {
    ...NO_KEY,
    endpoints: [CHAT, RESPONSES, COMPLETIONS, { ...MESSAGES, headers: VERSION }],
    habits: { reasoningReplay: 'reasoning' },
  }),
  row('lm-studio', 'http://127.0.0.1:1234/v1', null, {
    ...NO_KEY,
    endpoints: [CHAT, RESPONSES, COMPLETIONS, { ...MESSAGES, headers: VERSION }],
  }),
  row('llama-cpp', 'http://127.0.0.1:8080/v1', null, {
    ...NO_KEY,
    endpoints: [CHAT, RESPONSES, COMPLETIONS, { ...MESSAGES, headers: VERSION }],
    habits: { reasoningReplay: 'reasoning_content' },
  }),
  row('tgi', 'http://127.0.0.1:8080/v1', null, { ...NO_KEY, endpoints: [CHAT, COMPLETIONS] }),
  row('litellm', 'http://127.0.0.1:4000/v1', null, {
    ...NO_KEY,
    endpoints: [CHAT, RESPONSES, COMPLETIONS, { ...MESSAGES, headers: VERSION }],
  }),
  row('openai-compatible', null, null, {
    endpoints: [
      CHAT,
      { ...RESPONSES, optional: true },
      { ...COMPLETIONS, optional: true },
      { ...MESSAGES, headers: VERSION, optional: true },
    ],
  }),
]
