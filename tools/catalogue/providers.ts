/** Providers of the source of prices: its name, ours, and what follows a model's id to tell resellers of one router apart. */
export const PRICED_PROVIDERS: readonly (readonly [id: string, provider: string, suffix?: string])[] = [
  ['anthropic', 'anthropic'],
  ['arcee', 'arcee'],
  ['avian', 'avian'],
  ['aws', 'bedrock'],
  ['azure', 'azure-openai'],
  ['baseten', 'baseten'],
  ['cerebras', 'cerebras'],
  ['cloudflare', 'cloudflare'],
  ['cohere', 'cohere'],
  ['cursor', 'cursor'],
  ['deepseek', 'deepseek'],
  ['doubleword', 'doubleword'],
  ['fireworks', 'fireworks'],
  ['github-copilot', 'github-copilot'],
  ['google', 'gemini'],
  ['groq', 'groq'],
  ['huggingface_cerebras', 'hugging-face', ':cerebras'],
  ['huggingface_fireworks-ai', 'hugging-face', ':fireworks-ai'],
  ['huggingface_groq', 'hugging-face', ':groq'],
  ['huggingface_hyperbolic', 'hugging-face', ':hyperbolic'],
  ['huggingface_nebius', 'hugging-face', ':nebius'],
  ['huggingface_novita', 'hugging-face', ':novita'],
  ['huggingface_nscale', 'hugging-face', ':nscale'],
  ['huggingface_ovhcloud', 'hugging-face', ':ovhcloud'],
  ['huggingface_publicai', 'hugging-face', ':publicai'],
  ['huggingface_sambanova', 'hugging-face', ':sambanova'],
  ['huggingface_together', 'hugging-face', ':together'],
  ['minimax', 'minimax'],
  ['mistral', 'mistral'],
  ['modal', 'modal'],
  ['moonshotai', 'moonshot'],
  ['novita', 'novita'],
  ['openai', 'openai'],
  ['openrouter', 'openrouter'],
  ['ovhcloud', 'ovhcloud'],
  ['perplexity', 'perplexity'],
  ['quicksilverpro', 'quicksilverpro'],
  ['together', 'together'],
  ['typesafe', 'typesafe'],
  ['voyageai', 'voyageai'],
  ['x-ai', 'xai'],
  ['zai', 'zai'],
  ['zhipuai', 'zhipuai'],
]

/** Providers of the source of capabilities that we call otherwise. */
export const CAPABILITY_PROVIDERS: Readonly<Record<string, string>> = {
  'amazon-bedrock': 'bedrock',
  'azure-openai-responses': 'azure-openai',
  'cloudflare-workers-ai': 'cloudflare',
  google: 'gemini',
  'google-vertex': 'vertex-ai',
  huggingface: 'hugging-face',
  moonshotai: 'moonshot',
}

/**
 * Providers of whose ids the first source's patterns decide, also where the second has another price: they tell the ids of a
 * region from those of all the world, which the second has at one price.
 */
export const FIRST_DECIDES: ReadonlySet<string> = new Set(['bedrock'])

/** Names that the first source gives to another model than the vendor does (mistral.ai/pricing, groq.com/pricing, 2026-11). */
export const SECOND_DECIDES: ReadonlySet<string> = new Set([
  'mistral/mistral-large-latest',
  'groq/openai/gpt-oss-safeguard-20b',
])

/** Where a provider's model is looked for next, when it has no entry of its own: it sells the vendor's at its price. */
export const ALSO: Readonly<Record<string, readonly string[]>> = {
  'azure-openai': ['openai', 'deepseek', 'xai'],
  'azure-foundry': ['azure-openai', 'openai', 'anthropic', 'deepseek', 'xai', 'moonshot', 'cohere', 'mistral'],
  'vertex-ai': ['gemini', 'anthropic'],
}
