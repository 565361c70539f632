import {
  CHAT,
  COMPLETIONS,
  MESSAGES,
  type ModelTraits,
  type ProviderRow,
  RESPONSES,
  row,
  under,
} from '../provider-row.ts'
import { FREEFORM } from './freeform.ts'

/** Thoughts of earlier turns are taken back as they were given. */
const REASONING_CONTENT = { reasoningReplay: 'reasoning_content' } as const

/** These know the limit of output by its first name alone: they refuse the newer one, or pass it over and go on. */
const OLDER_LIMIT = { max_completion_tokens: 'max_tokens' } as const

/** These ask for any JSON, and know no schema; models that think refuse to be forced to a tool. */
const JSON_ONLY: readonly ModelTraits[] = [[/./, { output: { schema: 'json', json: 'native' } }]]

/** Endpoints in this dialect ask for a version, even where they do not read it. */
const VERSION = ['anthropic-version', '2023-06-01']

/** Vendors of models, in the dialects of others or with a compatible endpoint; each as its own reference says. */
export const VENDORS: readonly ProviderRow[] = [
  row('openai', 'https://api.openai.com/v1', 'OPENAI_API_KEY', {
    endpoints: [{ ...CHAT, traits: FREEFORM }, RESPONSES, { ...COMPLETIONS, models: /instruct|^babbage|^davinci/ }],
    family: 'openai',
    knownModels: ['gpt-4o', 'gpt-4o-mini', 'gpt-4.1', 'gpt-4.1-mini', 'gpt-5', 'gpt-5-mini'],
  }),
  row('anthropic', 'https://api.anthropic.com/v1', 'ANTHROPIC_API_KEY', {
    key: 'x-api-key',
    headers: ['anthropic-version', '2023-06-01'],
    endpoints: [MESSAGES],
    family: 'anthropic',
    discovery: { path: '/models?limit=1000', form: 'anthropic' },
    knownModels: ['claude-haiku-4-5', 'claude-sonnet-4-5'],
  }),
  row('gemini', 'https://generativelanguage.googleapis.com/v1beta', 'GEMINI_API_KEY', {
    key: 'x-goog-api-key',
    endpoints: [
      {
        dialect: 'gemini',
        path: '/models/{model}:generateContent',
        streamPath: '/models/{model}:streamGenerateContent?alt=sse',
      },
    ],
    family: 'gemini',
    discovery: { path: '/models?pageSize=1000', form: 'gemini' },
    knownModels: ['gemini-2.5-flash', 'gemini-2.5-pro'],
  }),
  row('cohere', 'https://api.cohere.com', 'COHERE_API_KEY', {
    baseEnds: ['/v1', '/v2'],
    endpoints: [{ dialect: 'cohere', path: '/v2/chat' }],
    discovery: { path: '/v1/models?endpoint=chat&page_size=1000', form: 'cohere' },
    knownModels: ['command-a-03-2025', 'command-r7b-12-2024'],
  }),
  row('mistral', 'https://api.mistral.ai/v1', 'MISTRAL_API_KEY', {
    // "Tool call id … must be a-z, A-Z, 0-9, with a length of 9", as its API says of others.
    endpoints: [{ ...CHAT, traits: [[/./, { callId: { pattern: /^[a-zA-Z0-9]{9}$/, longest: 9 } }]] }],
    // Its API refuses members that it does not know (API reference, "Chat completion").
    quirks: {
      rename: { ...OLDER_LIMIT, seed: 'random_seed' },
      drop: ['user', 'store', 'logit_bias', 'logprobs', 'top_logprobs'],
    },
    habits: { outputLimit: 'max_tokens', streamUsage: false },
    knownModels: ['mistral-large-latest', 'mistral-small-latest'],
  }),
  row('deepseek', 'https://api.deepseek.com', 'DEEPSEEK_API_KEY', {
    baseEnds: ['/v1', '/anthropic'],
    // "JSON Output" (API guides, 2026-11).
    endpoints: [
      under('/v1', CHAT, { traits: JSON_ONLY }),
      under('/anthropic/v1', MESSAGES, { quirks: {}, headers: VERSION }),
    ],
    quirks: { rename: { ...OLDER_LIMIT, user: 'user_id' } },
    habits: { ...REASONING_CONTENT, reasoningRequest: 'thinking' },
    discovery: { path: '/models', form: 'openai' },
    knownModels: ['deepseek-chat', 'deepseek-reasoner'],
  }),
  row('moonshot', 'https://api.moonshot.ai', 'MOONSHOT_API_KEY', {
    baseEnds: ['/v1', '/anthropic'],
    endpoints: [under('/v1', CHAT), under('/v1', RESPONSES), under('/anthropic/v1', MESSAGES, { headers: VERSION })],
    habits: { ...REASONING_CONTENT, reasoningRequest: 'thinking' },
    discovery: { path: '/v1/models', form: 'openai' },
  }),
  row('z-ai', 'https://api.z.ai/api', 'ZAI_API_KEY', {
    baseEnds: ['/paas/v4', '/anthropic'],
    quirks: { rename: OLDER_LIMIT },
    // "Structured output" (guides, 2026-11).
    endpoints: [under('/paas/v4', CHAT, { traits: JSON_ONLY }), under('/anthropic/v1', MESSAGES, { headers: VERSION })],
    habits: { ...REASONING_CONTENT, reasoningRequest: 'thinking' },
    discovery: { path: '/paas/v4/models', form: 'openai' },
  }),
  row('minimax', 'https://api.minimax.io', 'MINIMAX_API_KEY', {
    baseEnds: ['/v1', '/anthropic'],
    endpoints: [under('/v1', CHAT), under('/anthropic/v1', MESSAGES, { headers: VERSION })],
    habits: { reasoningRequest: 'none', reasoningReplay: 'reasoning_details' },
    discovery: { path: '/v1/models', form: 'openai' },
  }),
  row('xai', 'https://api.x.ai/v1', 'XAI_API_KEY', {
    endpoints: [CHAT, RESPONSES],
    // "Cost tracking", 2026-11.
    tellsCost: true,
    knownModels: ['grok-4'],
  }),
  row('ai21', 'https://api.ai21.com/studio/v1', 'AI21_API_KEY', {
    // "Jamba chat completions", `response_format` (2026-11).
    endpoints: [{ ...CHAT, traits: JSON_ONLY }],
    quirks: { rename: OLDER_LIMIT },
    habits: { reasoningRequest: 'none', streamUsage: false },
    discovery: null,
    knownModels: ['jamba-large', 'jamba-mini'],
  }),
  row('perplexity', 'https://api.perplexity.ai', 'PERPLEXITY_API_KEY', {
    quirks: { rename: OLDER_LIMIT },
    habits: { streamUsage: false },
    discovery: null,
    // API reference, "usage.cost", 2026-11.
    tellsCost: true,
    knownModels: ['sonar', 'sonar-pro'],
  }),
  row('qwen', 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1', 'QWEN_API_KEY', {
    quirks: { rename: OLDER_LIMIT },
    habits: { ...REASONING_CONTENT, reasoningRequest: 'enable_thinking' },
  }),
]
