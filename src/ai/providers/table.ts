import type { UpstreamHabits } from '../dialects/dialect.ts'
import type { DialectName, SealFamily } from '../dialects/name.ts'
import type { BodyQuirks } from './endpoint.ts'

/** The kind of the demo provider, and the name of the built-in one; always there. Others of its kind have their own. */
export const DEMO_PROVIDER = 'demo'

/** Providers as rows: what differs between vendors that speak the same dialect. */
export interface ProviderRow {
  readonly kind: string
  /** Where the API starts, without the last slash; null when the configuration must say it. */
  readonly baseUrl: string | null
  /** Environment variable of the API key: a start without a configuration file looks for it. */
  readonly keyVariable: string | null
  /** How its key is sent: as a bearer token, or under a name of its own. */
  readonly auth: 'bearer' | 'none' | 'x-api-key'
  /** Flat; sent with every request unless the client says them itself. */
  readonly headers: readonly string[]
  /** The dialects that it speaks for conversations; the one that translations use comes first. */
  readonly dialects: readonly DialectName[]
  readonly quirks: BodyQuirks | null
  readonly habits: UpstreamHabits | null
  /** Whose models they are, as far as sealed thoughts and parameters go. */
  readonly family: SealFamily
  /** A few of its models, listed by `GET /v1/models` of a start without a configuration file. */
  readonly knownModels: readonly string[]
}

const row = (
  kind: string,
  baseUrl: string | null,
  keyVariable: string | null,
  knownModels: readonly string[] = [],
): ProviderRow => ({
  kind,
  baseUrl,
  keyVariable,
  auth: keyVariable === null ? 'none' : 'bearer',
  dialects: ['openai-chat'],
  quirks: null,
  habits: null,
  family: 'other',
  headers: [],
  knownModels,
})

/** Every kind that a provider can be. */
export const PROVIDERS: readonly ProviderRow[] = [
  {
    ...row('openai', 'https://api.openai.com/v1', 'OPENAI_API_KEY', [
      'gpt-4o',
      'gpt-4o-mini',
      'gpt-4.1',
      'gpt-4.1-mini',
      'gpt-5',
      'gpt-5-mini',
    ]),
    dialects: ['openai-chat', 'openai-responses'],
    family: 'openai',
  },
  {
    ...row('anthropic', 'https://api.anthropic.com/v1', 'ANTHROPIC_API_KEY', ['claude-haiku-4-5', 'claude-sonnet-4-5']),
    auth: 'x-api-key',
    dialects: ['anthropic-messages'],
    family: 'anthropic',
    headers: ['anthropic-version', '2023-06-01'],
  },
  row('ai21', 'https://api.ai21.com/studio/v1', 'AI21_API_KEY'),
  row('cerebras', 'https://api.cerebras.ai/v1', 'CEREBRAS_API_KEY'),
  row('deepinfra', 'https://api.deepinfra.com/v1/openai', 'DEEPINFRA_API_KEY'),
  row('deepseek', 'https://api.deepseek.com/v1', 'DEEPSEEK_API_KEY', ['deepseek-chat', 'deepseek-reasoner']),
  row('fireworks', 'https://api.fireworks.ai/inference/v1', 'FIREWORKS_API_KEY'),
  row('groq', 'https://api.groq.com/openai/v1', 'GROQ_API_KEY'),
  row('hugging-face', 'https://router.huggingface.co/v1', 'HUGGING_FACE_API_KEY'),
  row('mistral', 'https://api.mistral.ai/v1', 'MISTRAL_API_KEY', ['mistral-large-latest', 'mistral-small-latest']),
  row('moonshot', 'https://api.moonshot.ai/v1', 'MOONSHOT_API_KEY'),
  row('novita', 'https://api.novita.ai/openai/v1', 'NOVITA_API_KEY'),
  row('nvidia-nim', 'https://integrate.api.nvidia.com/v1', 'NVIDIA_NIM_API_KEY'),
  row('ollama', 'http://127.0.0.1:11434/v1', null),
  row('ollama-cloud', 'https://ollama.com/v1', 'OLLAMA_API_KEY'),
  row('openrouter', 'https://openrouter.ai/api/v1', 'OPENROUTER_API_KEY'),
  row('perplexity', 'https://api.perplexity.ai', 'PERPLEXITY_API_KEY', ['sonar', 'sonar-pro']),
  row('qwen', 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1', 'QWEN_API_KEY'),
  row('sambanova', 'https://api.sambanova.ai/v1', 'SAMBANOVA_API_KEY'),
  row('together', 'https://api.together.ai/v1', 'TOGETHER_API_KEY'),
  row('xai', 'https://api.x.ai/v1', 'XAI_API_KEY'),
  { ...row('openai-compatible', null, null), auth: 'bearer' },
  { ...row(DEMO_PROVIDER, 'demo:', null), family: 'openai' },
]

const BY_KIND = new Map(PROVIDERS.map((provider) => [provider.kind, provider]))

/** Names of all kinds, for the check of a configuration. */
export const providerKinds: readonly string[] = PROVIDERS.map((provider) => provider.kind)

/** The row of a kind, or null. */
export function providerRow(kind: string): ProviderRow | null {
  return BY_KIND.get(kind) ?? null
}

/** Rows whose key is in the environment. */
export function providersIn(environment: Readonly<Record<string, string | undefined>>): readonly ProviderRow[] {
  return PROVIDERS.filter(
    (provider) => provider.keyVariable !== null && (environment[provider.keyVariable] ?? '') !== '',
  )
}
