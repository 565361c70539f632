import { CHAT, COMPLETIONS, MESSAGES, type ProviderRow, RESPONSES, row, under } from '../provider-row.ts'

/** Thoughts of earlier turns are taken back under this name. */
const REASONING = { reasoningReplay: 'reasoning' } as const
const VERSION = ['anthropic-version', '2023-06-01']
const REASONING_CONTENT = { reasoningReplay: 'reasoning_content' } as const

/** Those who serve the models of others, in OpenAI's dialects; each as its own reference says. */
export const HOSTS: readonly ProviderRow[] = [
  row('cerebras', 'https://api.cerebras.ai/v1', 'CEREBRAS_API_KEY', {
    endpoints: [CHAT, COMPLETIONS],
    habits: { ...REASONING, outputLimit: 'max_completion_tokens' },
  }),
  row('cloudflare', 'https://api.cloudflare.com/client/v4/accounts/{account}/ai/v1', 'CLOUDFLARE_API_KEY', {
    // Its Responses endpoint is there for these alone.
    endpoints: [CHAT, { ...RESPONSES, models: /gpt-oss/ }],
    settings: { account: { variable: 'CLOUDFLARE_ACCOUNT_ID', fallback: null } },
    foundBy: [['CLOUDFLARE_API_KEY', 'CLOUDFLARE_ACCOUNT_ID']],
    discovery: null,
  }),
  row('databricks', null, 'DATABRICKS_TOKEN', {
    baseEnds: ['/serving-endpoints'],
    baseUrlVariable: 'DATABRICKS_HOST',
    foundBy: [['DATABRICKS_TOKEN', 'DATABRICKS_HOST']],
    endpoints: [under('/serving-endpoints', CHAT)],
    discovery: null,
  }),
  row('deepinfra', 'https://api.deepinfra.com/v1/openai', 'DEEPINFRA_API_KEY', {
    endpoints: [CHAT, COMPLETIONS],
    habits: REASONING_CONTENT,
  }),
  row('fireworks', 'https://api.fireworks.ai/inference/v1', 'FIREWORKS_API_KEY', {
    endpoints: [CHAT, RESPONSES, COMPLETIONS, { ...MESSAGES, headers: VERSION }],
    habits: REASONING_CONTENT,
  }),
  row('groq', 'https://api.groq.com/openai/v1', 'GROQ_API_KEY', {
    endpoints: [CHAT, RESPONSES],
    habits: { ...REASONING, outputLimit: 'max_completion_tokens' },
  }),
  row('hugging-face', 'https://router.huggingface.co/v1', 'HUGGING_FACE_API_KEY', {
    endpoints: [CHAT, RESPONSES],
    baseUrlVariable: 'HUGGING_FACE_ENDPOINT',
  }),
  row('novita', 'https://api.novita.ai', 'NOVITA_API_KEY', {
    baseEnds: ['/openai/v1', '/openai', '/v3/openai', '/anthropic'],
    endpoints: [
      under('/openai/v1', CHAT),
      under('/openai/v1', COMPLETIONS),
      under('/anthropic/v1', MESSAGES, { headers: VERSION }),
    ],
    habits: REASONING_CONTENT,
    discovery: { path: '/openai/v1/models', form: 'openai' },
  }),
  row('nvidia-nim', 'https://integrate.api.nvidia.com/v1', 'NVIDIA_NIM_API_KEY', {
    habits: REASONING_CONTENT,
  }),
  row('openrouter', 'https://openrouter.ai/api/v1', 'OPENROUTER_API_KEY', {
    endpoints: [CHAT, RESPONSES, COMPLETIONS, { ...MESSAGES, headers: VERSION }],
    habits: { reasoningRequest: 'reasoning', reasoningReplay: 'reasoning_details' },
    // "Usage accounting", 2026-11.
    tellsCost: true,
    families: [
      [/^~?anthropic\//, 'anthropic'],
      [/^~?google\/gemini/, 'gemini'],
    ],
  }),
  row('replicate', 'https://api.replicate.com/v1', 'REPLICATE_API_TOKEN', {
    endpoints: [{ dialect: 'replicate', path: '/predictions' }],
    discovery: null,
  }),
  row('sambanova', 'https://api.sambanova.ai/v1', 'SAMBANOVA_API_KEY', {
    endpoints: [CHAT, RESPONSES],
  }),
  row('together', 'https://api.together.ai/v1', 'TOGETHER_API_KEY', {
    endpoints: [CHAT, COMPLETIONS],
    habits: REASONING,
    discovery: { path: '/models', form: 'openai' },
  }),
]
