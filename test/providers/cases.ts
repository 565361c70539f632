/*
 * What each provider must be sent, written by hand from its public reference and never from our own rows: where, and how a
 * request says who asks. A kind that is missing here, or one of its dialects, fails the suite.
 */
import type { DialectName } from '../../src/ai/dialects/name.ts'

export const KEY = 'provider-key-7f3a'

export interface ProviderCase {
  readonly kind: string
  readonly dialect: DialectName
  readonly model: string
  readonly origin: string
  readonly path: string
  /** Where it is another one. */
  readonly streamPath?: string
  /** Headers that must be there with these values. */
  readonly headers: Readonly<Record<string, string>>
  /** Of the provider's entry in the configuration, beside kind and key. */
  readonly config?: Readonly<Record<string, unknown>>
  readonly environment?: Readonly<Record<string, string>>
  /** What the body calls the model; null: it must not name one. */
  readonly bodyModel?: string | null
  /** Members that this provider's bodies have beside those of the dialect. */
  readonly body?: Readonly<Record<string, unknown>>
  /** Its streams come in frames of AWS that hold the dialect's events; the path asks for them, and not the body. */
  readonly framed?: true
}

type Paths = Readonly<Partial<Record<DialectName, string>>>

const BEARER = { authorization: `Bearer ${KEY}` }
const VERSION = { 'anthropic-version': '2023-06-01' }

const CHAT = { 'openai-chat': '/v1/chat/completions' }
const RESPONSES = { 'openai-responses': '/v1/responses' }
const COMPLETIONS = { 'openai-completions': '/v1/completions' }
const MESSAGES = { 'anthropic-messages': '/v1/messages' }

/** One case for each dialect of a kind that takes a bearer token. */
function plain(kind: string, origin: string, paths: Paths, more: Partial<ProviderCase> = {}): ProviderCase[] {
  return Object.entries(paths).map(([name, path]) => {
    const dialect = name as DialectName // a key of `paths`
    const headers = dialect === 'anthropic-messages' ? { ...BEARER, ...VERSION } : BEARER
    return { kind, dialect, model: 'm-1', origin, path, headers, ...more }
  })
}

const local = (kind: string, port: number, paths: Paths) => plain(kind, `http://127.0.0.1:${port}`, paths)
const ALL = { ...CHAT, ...RESPONSES, ...COMPLETIONS, ...MESSAGES }

const AZURE = 'https://unit.openai.azure.com'
const FOUNDRY = 'https://unit.services.ai.azure.com'
const FOUNDRY_KEYS = { 'api-key': KEY, 'x-api-key': KEY }
const AZURE_CONFIG = { base_url: AZURE }
const VERTEX = 'https://europe-west4-aiplatform.googleapis.com'
const LOCATION = '/v1/projects/proj-1/locations/europe-west4'
const VERTEX_CONFIG = { project: 'proj-1', region: 'europe-west4' }
const GOOGLE_KEY = { 'x-goog-api-key': KEY }
const CLAUDE_ON_BEDROCK = 'anthropic.claude-3-5-sonnet-20241022-v2:0'
const BEDROCK_PATH = '/model/anthropic.claude-3-5-sonnet-20241022-v2%3A0'

export const CASES: readonly ProviderCase[] = [
  ...plain('openai', 'https://api.openai.com', { ...CHAT, ...RESPONSES }),
  ...plain('openai', 'https://api.openai.com', COMPLETIONS, { model: 'gpt-3.5-turbo-instruct' }),
  ...plain('anthropic', 'https://api.anthropic.com', MESSAGES, { headers: { 'x-api-key': KEY, ...VERSION } }),
  ...plain(
    'gemini',
    'https://generativelanguage.googleapis.com',
    { gemini: '/v1beta/models/m-1:generateContent' },
    {
      streamPath: '/v1beta/models/m-1:streamGenerateContent?alt=sse',
      headers: GOOGLE_KEY,
      bodyModel: null,
    },
  ),
  ...plain('cohere', 'https://api.cohere.com', { cohere: '/v2/chat' }),
  ...plain('mistral', 'https://api.mistral.ai', CHAT),
  ...plain('deepseek', 'https://api.deepseek.com', { ...CHAT, 'anthropic-messages': '/anthropic/v1/messages' }),
  ...plain('moonshot', 'https://api.moonshot.ai', {
    ...CHAT,
    ...RESPONSES,
    'anthropic-messages': '/anthropic/v1/messages',
  }),
  ...plain('z-ai', 'https://api.z.ai', {
    'openai-chat': '/api/paas/v4/chat/completions',
    'anthropic-messages': '/api/anthropic/v1/messages',
  }),
  ...plain('minimax', 'https://api.minimax.io', { ...CHAT, 'anthropic-messages': '/anthropic/v1/messages' }),
  ...plain('xai', 'https://api.x.ai', { ...CHAT, ...RESPONSES }),
  ...plain('ai21', 'https://api.ai21.com', { 'openai-chat': '/studio/v1/chat/completions' }),
  ...plain('perplexity', 'https://api.perplexity.ai', { 'openai-chat': '/chat/completions' }),
  ...plain('qwen', 'https://dashscope-intl.aliyuncs.com', { 'openai-chat': '/compatible-mode/v1/chat/completions' }),
  ...plain('cerebras', 'https://api.cerebras.ai', { ...CHAT, ...COMPLETIONS }),
  ...plain(
    'cloudflare',
    'https://api.cloudflare.com',
    {
      'openai-chat': '/client/v4/accounts/acc-1/ai/v1/chat/completions',
    },
    { config: { account: 'acc-1' }, model: '@cf/meta/llama-3.1-8b-instruct' },
  ),
  ...plain(
    'cloudflare',
    'https://api.cloudflare.com',
    {
      'openai-responses': '/client/v4/accounts/acc-2/ai/v1/responses',
    },
    { environment: { CLOUDFLARE_ACCOUNT_ID: 'acc-2' }, model: '@cf/openai/gpt-oss-120b' },
  ),
  ...plain(
    'databricks',
    'https://dbc-1.cloud.databricks.com',
    { 'openai-chat': '/serving-endpoints/chat/completions' },
    {
      environment: { DATABRICKS_HOST: 'dbc-1.cloud.databricks.com' },
    },
  ),
  ...plain('deepinfra', 'https://api.deepinfra.com', {
    'openai-chat': '/v1/openai/chat/completions',
    'openai-completions': '/v1/openai/completions',
  }),
  ...plain(
    'fireworks',
    'https://api.fireworks.ai',
    {
      'openai-chat': '/inference/v1/chat/completions',
      'openai-responses': '/inference/v1/responses',
      'openai-completions': '/inference/v1/completions',
    },
    { model: 'accounts/fireworks/models/m-1' },
  ),
  ...plain('fireworks', 'https://api.fireworks.ai', { 'anthropic-messages': '/inference/v1/messages' }),
  ...plain('groq', 'https://api.groq.com', {
    'openai-chat': '/openai/v1/chat/completions',
    'openai-responses': '/openai/v1/responses',
  }),
  ...plain('hugging-face', 'https://router.huggingface.co', { ...CHAT, ...RESPONSES }, { model: 'org/m-1:fastest' }),
  ...plain('novita', 'https://api.novita.ai', {
    'openai-chat': '/openai/v1/chat/completions',
    'openai-completions': '/openai/v1/completions',
    'anthropic-messages': '/anthropic/v1/messages',
  }),
  ...plain('nvidia-nim', 'https://integrate.api.nvidia.com', CHAT, { model: 'meta/llama-3.1-70b-instruct' }),
  ...plain(
    'openrouter',
    'https://openrouter.ai',
    {
      'openai-chat': '/api/v1/chat/completions',
      'openai-responses': '/api/v1/responses',
      'openai-completions': '/api/v1/completions',
    },
    {
      config: { referer: 'https://app.example', title: 'Our app' },
      headers: { ...BEARER, 'http-referer': 'https://app.example', 'x-title': 'Our app' },
      model: 'openai/gpt-4o',
    },
  ),
  ...plain('openrouter', 'https://openrouter.ai', { 'anthropic-messages': '/api/v1/messages' }),
  ...plain(
    'replicate',
    'https://api.replicate.com',
    { replicate: '/v1/predictions' },
    {
      model: 'meta/meta-llama-3-70b-instruct',
      bodyModel: null,
    },
  ),
  ...plain('sambanova', 'https://api.sambanova.ai', { ...CHAT, ...RESPONSES }),
  ...plain('together', 'https://api.together.ai', { ...CHAT, ...COMPLETIONS }),
  ...plain(
    'azure-openai',
    AZURE,
    {
      'openai-chat': '/openai/deployments/our-gpt/chat/completions?api-version=2024-10-21',
    },
    { config: { ...AZURE_CONFIG, deployments: { 'm-1': 'our-gpt' } }, headers: { 'api-key': KEY }, bodyModel: null },
  ),
  ...plain(
    'azure-openai',
    AZURE,
    {
      'openai-completions': '/openai/deployments/gpt-35-instruct/completions?api-version=2025-01-01-preview',
    },
    {
      model: 'gpt-35-instruct',
      config: { ...AZURE_CONFIG, api_version: '2025-01-01-preview' },
      headers: { 'api-key': KEY },
      bodyModel: null,
    },
  ),
  ...plain(
    'azure-openai',
    AZURE,
    {
      'openai-chat': '/openai/v1/chat/completions',
      'openai-responses': '/openai/v1/responses',
    },
    {
      config: { base_url: `${AZURE}/openai/v1/`, api_version: 'v1', deployment: 'all' },
      headers: { 'api-key': KEY },
      bodyModel: 'all',
    },
  ),
  ...plain(
    'azure-foundry',
    FOUNDRY,
    { 'openai-chat': '/openai/v1/chat/completions', 'openai-responses': '/openai/v1/responses' },
    {
      config: { base_url: FOUNDRY },
      headers: FOUNDRY_KEYS,
    },
  ),
  ...plain(
    'azure-foundry',
    FOUNDRY,
    { 'anthropic-messages': '/anthropic/v1/messages' },
    {
      model: 'claude-sonnet-4-5',
      environment: { AZURE_FOUNDRY_ENDPOINT: FOUNDRY },
      headers: { ...FOUNDRY_KEYS, ...VERSION },
    },
  ),
  ...plain(
    'bedrock',
    'https://bedrock-runtime.eu-central-1.amazonaws.com',
    {
      'bedrock-converse': `${BEDROCK_PATH}/converse`,
    },
    {
      model: CLAUDE_ON_BEDROCK,
      streamPath: `${BEDROCK_PATH}/converse-stream`,
      config: { region: 'eu-central-1' },
      bodyModel: null,
    },
  ),
  ...plain(
    'bedrock',
    'https://bedrock-runtime.eu-central-1.amazonaws.com',
    { 'anthropic-messages': `${BEDROCK_PATH}/invoke` },
    {
      model: CLAUDE_ON_BEDROCK,
      streamPath: `${BEDROCK_PATH}/invoke-with-response-stream`,
      config: { region: 'eu-central-1' },
      headers: BEARER,
      bodyModel: null,
      body: { anthropic_version: 'bedrock-2023-05-31' },
      framed: true,
    },
  ),
  ...plain(
    'vertex-ai',
    VERTEX,
    { gemini: `${LOCATION}/publishers/google/models/gemini-2.5-pro:generateContent` },
    {
      model: 'gemini-2.5-pro',
      streamPath: `${LOCATION}/publishers/google/models/gemini-2.5-pro:streamGenerateContent?alt=sse`,
      config: VERTEX_CONFIG,
      headers: GOOGLE_KEY,
      bodyModel: null,
    },
  ),
  ...plain(
    'vertex-ai',
    'https://aiplatform.googleapis.com',
    {
      'anthropic-messages':
        '/v1/projects/proj-1/locations/global/publishers/anthropic/models/claude-sonnet-4-5%4020250929:rawPredict',
    },
    {
      model: 'claude-sonnet-4-5@20250929',
      streamPath:
        '/v1/projects/proj-1/locations/global/publishers/anthropic/models/claude-sonnet-4-5%4020250929:streamRawPredict',
      config: { project: 'proj-1', region: 'global' },
      headers: GOOGLE_KEY,
      bodyModel: null,
      body: { anthropic_version: 'vertex-2023-10-16' },
    },
  ),
  ...plain(
    'vertex-ai',
    VERTEX,
    { 'openai-chat': `${LOCATION}/endpoints/openapi/chat/completions` },
    {
      model: 'meta/llama-4-maverick',
      config: VERTEX_CONFIG,
      headers: GOOGLE_KEY,
    },
  ),
  ...local('ollama', 11_434, { ...ALL, ollama: '/api/chat' }),
  ...plain('ollama', 'http://10.0.0.7:11434', CHAT, { environment: { OLLAMA_HOST: 'http://10.0.0.7:11434' } }),
  ...plain('ollama-cloud', 'https://ollama.com', { ...ALL, ollama: '/api/chat' }),
  ...local('vllm', 8_000, ALL),
  ...local('lm-studio', 1_234, ALL),
  ...local('llama-cpp', 8_080, ALL),
  ...local('tgi', 8_080, { ...CHAT, ...COMPLETIONS }),
  ...local('litellm', 4_000, ALL),
  ...plain(
    'openai-compatible',
    'http://models.example',
    {
      'openai-chat': '/a/chat/completions',
      'openai-responses': '/a/responses',
      'openai-completions': '/a/completions',
      'anthropic-messages': '/a/messages',
    },
    { config: { base_url: 'http://models.example/a' } },
  ),
]
