/*
 * What vendors document of their models and neither source has. Each row names the document and when it was read; a model
 * of which nothing is documented has no fact, and is tried.
 */

const SAMPLING = ['temperature', 'top_p']
const PENALTIES = ['presence_penalty', 'frequency_penalty']

export type Reasoning = 'effort' | 'budget' | 'adaptive' | 'level' | 'none'

export interface Facts {
  readonly refuses?: readonly string[]
  readonly reasoning?: Reasoning
  readonly structured?: 'native' | 'tool' | 'none'
  readonly tools?: boolean
  readonly vision?: boolean
  readonly maxOutput?: number
}

interface FactRow extends Facts {
  readonly providers: readonly string[]
  /** Of the whole id. */
  readonly id: RegExp
}

const OPENAI = ['openai', 'azure-openai']
const CLAUDE = ['anthropic', 'vertex-ai', 'bedrock']
/** Before a vendor's own id, as clouds write it: `us.anthropic.`; and behind it: a date, a version. */
const claude = (names: string): RegExp =>
  new RegExp(`^(?:(?:[a-z]+\\.)?anthropic\\.)?claude-(?:${names})(?:[-@]\\d{8})?(?:-v\\d+(?::\\d+)?)?$`)

/** Every row that matches adds what it says; a later one wins. */
const ROWS: readonly FactRow[] = [
  // Reasoning guide and Azure's "reasoning models" page, 2026-11: these take no sampling at all.
  {
    providers: OPENAI,
    id: /^(?:o1|o1-pro|o3|o3-pro|o3-mini|o4-mini|gpt-5|gpt-5-mini|gpt-5-nano|gpt-5-pro|gpt-5-codex|codex-mini-latest|o3-deep-research|o4-mini-deep-research)(?:-\d{4}-\d{2}-\d{2})?$/,
    refuses: [...SAMPLING, ...PENALTIES, 'logprobs', 'logit_bias'],
    reasoning: 'effort',
    structured: 'native',
  },
  {
    providers: OPENAI,
    id: /^o1-(?:mini|preview)(?:-\d{4}-\d{2}-\d{2})?$/,
    refuses: [...SAMPLING, ...PENALTIES, 'logprobs', 'logit_bias', 'reasoning', 'parallel_tool_calls'],
    structured: 'none',
    tools: false,
  },
  // Structured outputs guide, 2026-11: with gpt-4o-2024-08-06 and later; before it, JSON mode alone.
  {
    providers: OPENAI,
    id: /^(?:gpt-4o|gpt-4\.1|gpt-4\.5|gpt-5|gpt-6)(?!.*(?:audio|realtime|tts|transcribe|image|search))/,
    structured: 'native',
  },
  {
    providers: OPENAI,
    id: /^(?:gpt-4o-2024-05-13|gpt-4|gpt-4-turbo.*|gpt-4-\d{4}.*|gpt-3\.5-turbo(?!-instruct).*)$/,
    structured: 'tool',
    tools: true,
  },
  {
    providers: OPENAI,
    id: /^(?:gpt-4|gpt-3\.5|gpt-4\.1|gpt-4o)(?!.*(?:realtime|tts|transcribe|image))/,
    reasoning: 'none',
  },
  {
    providers: OPENAI,
    id: /^gpt-(?:4o|4\.1|5(?:\.\d+)?|6(?:\.\d+)?)(?:-mini|-nano)?(?:-\d{4}-\d{2}-\d{2})?$/,
    tools: true,
    vision: true,
  },
  { providers: OPENAI, id: /^gpt-[56](?:\.\d+)?(?!-chat|.*(?:image|realtime|audio|search))/, reasoning: 'effort' },
  { providers: OPENAI, id: /^gpt-5(?:\.\d+)?-chat/, reasoning: 'none' },
  // Extended and adaptive thinking, structured outputs, and the migration pages of 4.7 and later, 2026-11.
  { providers: CLAUDE, id: claude('(?:3(?!-7)|3-5|v1|2).*'), reasoning: 'none', structured: 'tool' },
  { providers: CLAUDE, id: claude('3-.*'), tools: true, vision: true },
  {
    providers: CLAUDE,
    id: claude('3-7-sonnet(?:-latest)?|(?:opus|sonnet)-4|(?:opus|sonnet)-4-0|opus-4-1'),
    reasoning: 'budget',
    structured: 'tool',
    tools: true,
    vision: true,
  },
  {
    providers: CLAUDE,
    id: claude('(?:opus|sonnet|haiku)-4-5'),
    reasoning: 'budget',
    structured: 'native',
    tools: true,
    vision: true,
  },
  {
    providers: CLAUDE,
    id: claude('(?:opus|sonnet)-4-6|(?:opus|sonnet|haiku|fable)-[5-9](?:-\\d)?'),
    reasoning: 'adaptive',
    structured: 'native',
    tools: true,
    vision: true,
  },
  {
    providers: CLAUDE,
    id: claude('opus-4-[78]'),
    refuses: [...SAMPLING, 'top_k'],
    reasoning: 'adaptive',
    structured: 'native',
    tools: true,
    vision: true,
  },
  { providers: ['bedrock'], id: /anthropic\./, structured: 'tool' },
  // Bedrock user guide, "OpenAI models", and Nova 2 user guide, "Extended thinking", 2026-11: an effort in their own words.
  { providers: ['bedrock'], id: /(?:^|\.)openai\.gpt-oss-/, reasoning: 'effort', maxOutput: 128_000 },
  { providers: ['bedrock'], id: /(?:^|\.)amazon\.nova-2-lite/, reasoning: 'effort', maxOutput: 65_535 },
  { providers: ['bedrock'], id: /(?:^|\.)amazon\.nova-(?:micro|lite|pro|premier)-v1/, reasoning: 'none' },
  // Thinking guide, 2026-11: a budget up to 2.5, a level from 3 on.
  { providers: ['gemini', 'vertex-ai'], id: /^gemini-(?:1\.|2\.0)/, reasoning: 'none' },
  {
    providers: ['gemini', 'vertex-ai'],
    id: /^gemini-2\.5-(?:pro|flash|flash-lite)(?!.*(?:image|tts|live|audio))/,
    reasoning: 'budget',
  },
  { providers: ['gemini', 'vertex-ai'], id: /^gemini-[3-9](?!.*(?:image|tts|live|audio))/, reasoning: 'level' },
  {
    providers: ['gemini', 'vertex-ai'],
    id: /^gemini-(?:[2-9]|1\.5)(?!.*(?:image|tts|live|audio|embedding))/,
    structured: 'native',
    tools: true,
    vision: true,
  },
  // Reasoning page, 2026-11: its reasoning models refuse these; grok-4 has no effort to set.
  {
    providers: ['xai'],
    id: /^grok-(?:4(?:-\d{4}|-latest)?|4-fast-reasoning|4-1-fast-reasoning|3-mini(?:-fast)?|code-fast-1)$/,
    refuses: [...PENALTIES, 'stop'],
  },
  {
    providers: ['xai'],
    id: /^grok-4(?:-\d{4}|-latest|-fast-reasoning|-1-fast-reasoning)?$/,
    refuses: [...PENALTIES, 'stop', 'reasoning'],
    vision: true,
  },
  // Its guide, 2026-11: the reasoner fails on them, and ignores sampling.
  { providers: ['deepseek'], id: /^deepseek-reasoner$/, refuses: ['logprobs', ...SAMPLING, ...PENALTIES] },
]

/** What is documented of one model. */
export function factsOf(provider: string, id: string): Facts {
  const rows = ROWS.filter((row) => row.providers.includes(provider) && row.id.test(id))
  return Object.assign({}, ...rows, { providers: undefined, id: undefined })
}

const ENCODINGS: readonly (readonly [encoding: string, id: RegExp])[] = [
  [
    'o200k_base',
    /^(?:gpt-4o|gpt-4\.1|gpt-4\.5|gpt-[56]|chatgpt-4o|o1|o3|o4)(?!.*(?:audio|realtime|tts|transcribe|image))/,
  ],
  ['cl100k_base', /^(?:gpt-4(?:$|-)|gpt-3\.5|text-embedding-)/],
]

/** The encoding that the vendor's own library names for its models (tiktoken's table, 2026-11). */
export function encodingOf(provider: string, id: string): string | undefined {
  if (!OPENAI.includes(provider)) return undefined
  return ENCODINGS.find(([, pattern]) => pattern.test(id))?.[0]
}

export type Mode =
  | 'chat'
  | 'completion'
  | 'embedding'
  | 'image'
  | 'video'
  | 'audio_in'
  | 'audio_out'
  | 'rerank'
  | 'moderation'
  | 'realtime'
  | 'ocr'

const MODES: readonly (readonly [Mode, RegExp])[] = [
  ['rerank', /rerank/],
  ['embedding', /embed|^voyage-|\/bge-|\/e5-|\/gte-|titan-e/],
  ['moderation', /moderation|llama-guard|shieldgemma/],
  ['realtime', /realtime|-live-|voice-think/],
  ['audio_in', /whisper|transcribe|voxtral-mini-.*transcribe|nova-3$|scribe/],
  ['audio_out', /-tts|^tts-|orpheus|kokoro|speech/],
  ['ocr', /-ocr|document-ai/],
  ['video', /^veo|\/veo|sora|wan-?2|kling/],
  ['image', /dall-e|gpt-image|^imagen|\/imagen|flux|stable-diffusion|seedream|-image(?:-|$)/],
  ['completion', /^(?:davinci|babbage)-002$|turbo-instruct|^ada$|^curie$/],
]

/** What a model is for, by its name. */
export function modeOf(id: string): Mode {
  const lower = id.toLowerCase()
  return MODES.find(([, pattern]) => pattern.test(lower))?.[0] ?? 'chat'
}

/**
 * Prices of service tiers, in dollars per million tokens: input, cached input, output. The vendor's pages of prices and of
 * priority processing (openai.com/api-priority-processing), 2026-11; long contexts are not served so;
 * half of the usual for `batch` and `flex` is said below.
 */
export const PRIORITY: Readonly<Record<string, readonly [input: number, cached: number, output: number]>> = {
  'openai/gpt-5': [2.5, 0.25, 20],
  'openai/gpt-5-mini': [0.45, 0.045, 3.6],
  'openai/gpt-5-codex': [2.5, 0.25, 20],
  'openai/gpt-5.1': [2.5, 0.25, 20],
  'openai/gpt-5.1-codex': [2.5, 0.25, 20],
  'openai/gpt-5.2': [3.5, 0.35, 28],
  'openai/gpt-5.4': [5, 0.5, 30],
  'openai/gpt-5.4-mini': [1.5, 0.15, 9],
  'openai/gpt-5.5': [12.5, 1.25, 75],
  'openai/gpt-4.1': [3.5, 0.875, 14],
  'openai/gpt-4.1-mini': [0.7, 0.175, 2.8],
  'openai/gpt-4.1-nano': [0.2, 0.05, 0.8],
  'openai/gpt-4o': [4.25, 2.125, 17],
  'openai/gpt-4o-mini': [0.25, 0.125, 1],
  'openai/o3': [3.5, 0.875, 14],
  'openai/o4-mini': [2, 0.5, 8],
}

const HALF_IN_BATCHES: ReadonlySet<string> = new Set(['anthropic', 'gemini', 'vertex-ai', 'azure-openai'])

/** Half the price in these tiers, by the vendors' documents of batches and of flex processing (Google's: "Optimization"), 2026-11. */
export function halfPriceTiers(provider: string, id: string): readonly string[] {
  if (modeOf(id) !== 'chat' && modeOf(id) !== 'embedding') return []
  if (provider === 'openai')
    return /^(?:o3|o4-mini|gpt-[56])(?!.*(?:-pro|-chat|codex))/.test(id) ? ['batch', 'flex'] : ['batch']
  if (provider === 'gemini' && /^gemini-(?:2\.5|[3-9])/.test(id)) return ['batch', 'flex']
  return HALF_IN_BATCHES.has(provider) ? ['batch'] : []
}
