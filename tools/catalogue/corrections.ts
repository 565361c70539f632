import type { StoredModel, StoredRates, StoredRule } from '../../src/ai/catalogue/stored.ts'

/*
 * What the sources lack or have wrong, by the vendors' own pages. Every row names the page and the day on which it was
 * read; what no page says is left without a price, where everybody sees it.
 */

/** A way of serving that costs so many times the usual. */
interface Way {
  readonly id: string
  readonly speed?: string
  readonly region?: string
  readonly times: number
}

interface Correction {
  readonly page: string
  readonly read: string
  readonly providers: readonly string[]
  /** Of the whole id. */
  readonly id: RegExp
  /** No price: what the sources have is not all that an answer costs, or no longer true. */
  readonly none?: true
  /** Further rates of the model and of each of its rules, made from those that they have. */
  readonly rates?: (rates: StoredRates) => StoredRates
  /** Rules that stand before its own. */
  readonly rules?: readonly StoredRule[]
  readonly ways?: readonly Way[]
}

const READ = '2026-11-21'
const CLAUDE_PRICES = 'https://platform.claude.com/docs/en/about-claude/pricing'
const GEMINI_PRICES = 'https://ai.google.dev/gemini-api/docs/pricing'
const GEMINI = ['gemini', 'vertex-ai']
/** Claude with data residency: 4.6 of Opus and Sonnet, and whatever came later. */
const RESIDENT = /^claude-(?:(?:opus|sonnet)-4-[6-9]|(?:opus|sonnet|haiku|fable|mythos)-[5-9])(?:-\d)?(?:-\d{8})?$/

const CORRECTIONS: readonly Correction[] = [
  // Sound has a price of its own. That of the first snapshot, of October 2024, stands nowhere any more.
  {
    page: 'https://developers.openai.com/api/docs/models/gpt-4o-audio-preview',
    read: READ,
    providers: ['openai'],
    id: /^gpt-4o-audio-preview(?:-2024-12-17|-2025-06-03)?$/,
    rates: (rates) => ({ ai: part(rates, 2.5, 40), ao: part(rates, 2.5, 80) }),
  },
  {
    page: 'https://developers.openai.com/api/docs/models/gpt-4o-mini-audio-preview',
    read: READ,
    providers: ['openai'],
    id: /^gpt-4o-mini-audio-preview(?:-2024-12-17)?$/,
    rates: (rates) => ({ ai: part(rates, 0.15, 10), ao: part(rates, 0.15, 20) }),
  },
  // What they make is nothing but sound, or pictures: their one price of output is its price.
  {
    page: 'https://developers.openai.com/api/docs/pricing',
    read: READ,
    providers: ['openai', 'azure-openai'],
    id: /-tts(?:-|$)/,
    rates: ({ o, ao }) => (ao === undefined && o !== undefined ? { ao: o } : {}),
  },
  {
    page: 'https://developers.openai.com/api/docs/pricing',
    read: READ,
    providers: ['openai', 'azure-openai'],
    id: /^(?:gpt-image|chatgpt-image)/,
    rates: ({ o, io }) => (io === undefined && o !== undefined ? { io: o } : {}),
  },
  // Each of their answers pays for a search as well, which no answer counts.
  {
    page: 'https://developers.openai.com/api/docs/pricing',
    read: READ,
    providers: ['openai', 'azure-openai'],
    id: /-search-(?:preview|api)/,
    none: true,
  },
  // Longer than 128k tokens costs twice as much.
  {
    page: 'https://docs.x.ai/docs/models',
    read: READ,
    providers: ['xai'],
    id: /^grok-4(?:-0709|-latest)?$/,
    rules: [{ id: 'above-128k', above: 128_000, i: 6, o: 30 }],
  },
  {
    page: 'https://docs.x.ai/docs/models',
    read: READ,
    providers: ['xai'],
    id: /^grok-4(?:-1)?-fast(?:-reasoning|-non-reasoning)?(?:-latest)?$/,
    rules: [{ id: 'above-128k', above: 128_000, i: 0.4, o: 1 }],
  },
  // The longer context of Sonnet 4, while there was one, cost what that of 4.5 does.
  {
    page: CLAUDE_PRICES,
    read: READ,
    providers: ['anthropic'],
    id: /^claude-sonnet-4(?:-0|-20250514)?$/,
    rules: [
      { id: 'batch,above-200k', tier: 'batch', above: 200_000, i: 3, o: 11.25, r: 0.3, w: 3.75, h: 6, s: 10_000 },
      { id: 'above-200k', above: 200_000, i: 6, o: 22.5, r: 0.6, w: 7.5, h: 12, s: 10_000 },
    ],
  },
  // A cache kept for an hour is written at twice the price of input, wherever Claude is sold.
  {
    page: 'https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html',
    read: READ,
    providers: ['bedrock'],
    id: /claude-(?:(?:opus|sonnet|haiku)-4-[5-9]|(?:opus|sonnet|haiku|fable|mythos)-[5-9])/,
    rates: hourly,
  },
  { page: CLAUDE_PRICES, read: READ, providers: GEMINI, id: /^(?:anthropic\/)?claude-/, rates: hourly },
  {
    page: 'https://platform.claude.com/docs/en/manage-claude/data-residency',
    read: READ,
    providers: ['anthropic'],
    id: RESIDENT,
    ways: [{ id: 'us', region: 'us', times: 1.1 }],
  },
  {
    page: 'https://platform.claude.com/docs/en/build-with-claude/fast-mode',
    read: READ,
    providers: ['anthropic'],
    id: /^claude-opus-4-6(?:-\d{8})?$/,
    ways: [{ id: 'fast', speed: 'fast', times: 6 }],
  },
  {
    page: 'https://platform.claude.com/docs/en/build-with-claude/fast-mode',
    read: READ,
    providers: ['anthropic'],
    id: /^claude-opus-5(?:-\d{8})?$/,
    ways: [{ id: 'fast', speed: 'fast', times: 2 }],
  },
  // Searches: each query from 3 on; before, each answer that searched. What is free of them each month or day is not known here.
  { page: GEMINI_PRICES, read: READ, providers: GEMINI, id: /^gemini-[3-9]/, rates: () => ({ s: 14_000 }) },
  { page: GEMINI_PRICES, read: READ, providers: GEMINI, id: /^gemini-[12]\./, rates: () => ({ sa: 35_000 }) },
  // One price for text, pictures, video and sound.
  {
    page: GEMINI_PRICES,
    read: READ,
    providers: GEMINI,
    id: /^gemini-(?:2\.5|3(?:\.\d)?)-pro(?!.*(?:image|tts|live|audio))/,
    rates: ({ i, ai }) => (ai === undefined && i !== undefined ? { ai: i } : {}),
  },
]

/** Models that the sources do not have. */
const ADDED: readonly { readonly page: string; readonly read: string; readonly models: Record<string, StoredModel> }[] =
  [
    {
      page: 'https://developers.openai.com/api/docs/models/omni-moderation-latest',
      read: READ,
      models: {
        'openai/omni-moderation-latest': { n: 'omni-moderation', in: 'i', p: { i: 0, o: 0 } },
        'openai/omni-moderation-2024-09-26': { n: 'omni-moderation', in: 'i', p: { i: 0, o: 0 } },
      },
    },
    {
      page: 'https://developers.openai.com/api/docs/models/tts-1',
      read: READ,
      models: {
        'openai/tts-1': { n: 'TTS-1', p: { uc: 15 } },
        'openai/tts-1-hd': { n: 'TTS-1 HD', p: { uc: 30 } },
      },
    },
    // Of a search, which is one query with up to a hundred documents. Those of v5 are nowhere but in tables of others.
    {
      page: 'https://cohere.com/pricing',
      read: READ,
      models: {
        'cohere/rerank-v4.0-pro': { n: 'Rerank 4 Pro', c: 32_768, p: { uq: 2_500 } },
        'cohere/rerank-v4.0-fast': { n: 'Rerank 4 Fast', c: 32_768, p: { uq: 2_000 } },
        'cohere/rerank-v3.5': { n: 'Rerank 3.5', c: 4_096, p: { uq: 2_000 } },
        'cohere/rerank-english-v3.0': { n: 'Rerank 3 English', c: 4_096, p: { uq: 2_000 } },
        'cohere/rerank-multilingual-v3.0': { n: 'Rerank 3 Multilingual', c: 4_096, p: { uq: 2_000 } },
        'cohere/embed-english-v3.0': { n: 'Embed 3 English', c: 512, p: { i: 0.1 } },
        'cohere/embed-multilingual-v3.0': { n: 'Embed 3 Multilingual', c: 512, p: { i: 0.1 } },
        'cohere/embed-english-light-v3.0': { n: 'Embed 3 English Light', c: 512, p: { i: 0.1 } },
        'cohere/embed-multilingual-light-v3.0': { n: 'Embed 3 Multilingual Light', c: 512, p: { i: 0.1 } },
      },
    },
    {
      page: 'https://www.ai21.com/pricing',
      read: READ,
      models: {
        'ai21/jamba-large': { n: 'Jamba Large', c: 256_000, p: { i: 2, o: 8 } },
        'ai21/jamba-mini': { n: 'Jamba Mini', c: 256_000, p: { i: 0.2, o: 0.4 } },
      },
    },
    {
      page: 'https://cloud.sambanova.ai/plans/pricing',
      read: READ,
      models: {
        'sambanova/DeepSeek-V3.1': { n: 'DeepSeek V3.1', p: { i: 3, o: 4.5 } },
        'sambanova/DeepSeek-V3.2': { n: 'DeepSeek V3.2', p: { i: 3, o: 4.5 } },
        'sambanova/MiniMax-M3': { n: 'MiniMax M3', p: { i: 0.6, o: 2.4, r: 0.06 } },
        'sambanova/Meta-Llama-3.3-70B-Instruct': { n: 'Llama 3.3 70B', p: { i: 0.6, o: 1.2 } },
        'sambanova/gemma-4-31B-it': { n: 'Gemma 4 31B', p: { i: 0.38, o: 1.15 } },
        'sambanova/gpt-oss-120b': { n: 'gpt-oss-120b', p: { i: 0.22, o: 0.59 } },
      },
    },
    {
      page: 'https://deepinfra.com/pricing',
      read: READ,
      models: {
        'deepinfra/meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo': { n: 'Llama 3.1 8B Turbo', p: { i: 0.02, o: 0.04 } },
        'deepinfra/meta-llama/Meta-Llama-3.1-70B-Instruct-Turbo': { n: 'Llama 3.1 70B Turbo', p: { i: 0.4, o: 0.4 } },
        'deepinfra/meta-llama/Llama-3.3-70B-Instruct-Turbo': { n: 'Llama 3.3 70B Turbo', p: { i: 0.1, o: 0.32 } },
        'deepinfra/meta-llama/Llama-4-Scout-17B-16E-Instruct': { n: 'Llama 4 Scout', p: { i: 0.1, o: 0.3 } },
      },
    },
  ]

/**
 * Names that stand for another model of the vendor (https://api-docs.deepseek.com/quick_start/pricing, 2026-11-21: until July
 * 2026 they led to V4 Flash).
 */
export const STANDS_FOR: Readonly<Record<string, string>> = {
  'deepseek/deepseek-chat': 'deepseek/deepseek-v4-flash',
  'deepseek/deepseek-reasoner': 'deepseek/deepseek-v4-flash',
}

/** Models of our own, by `<provider>/<id>`. */
export function addedModels(): ReadonlyMap<string, StoredModel> {
  return new Map(ADDED.flatMap(({ models }) => Object.entries(models)))
}

/** How much of a model's price is our own: all of it, rates beside the source's, or nothing. */
export function correctionOf(provider: string, id: string): 'whole' | 'rates' | null {
  const key = `${provider}/${id}`
  if (STANDS_FOR[key] !== undefined || addedModels().has(key)) return 'whole'
  const rows = CORRECTIONS.filter((row) => row.providers.includes(provider) && row.id.test(id))
  if (rows.length === 0) return null
  return rows.some((row) => row.none === true || row.rules !== undefined) ? 'whole' : 'rates'
}

/** Prices with all corrections of this model; null when it has none. */
export function corrected(
  provider: string,
  id: string,
  prices: { readonly base: StoredRates; readonly rules: readonly StoredRule[] } | null,
): { readonly base: StoredRates; readonly rules: readonly StoredRule[] } | null {
  if (prices === null) return null
  let { base, rules } = prices
  for (const row of CORRECTIONS) {
    if (!row.providers.includes(provider) || !row.id.test(id)) continue
    if (row.none === true) return null
    const { rates } = row
    rules = [...(row.rules ?? []).filter((rule) => !rules.some((known) => known.id === rule.id)), ...rules]
    if (rates !== undefined) {
      rules = rules.map((rule) => ({ ...rule, ...rates(rule) }))
      base = { ...base, ...rates(base) }
    }
    for (const way of row.ways ?? []) rules = [...inThisWay(base, rules, way), ...rules]
  }
  return { base, rules }
}

/** What every rule costs when it is served so. Nobody is served fast in a batch. */
function inThisWay(base: StoredRates, rules: readonly StoredRule[], way: Way): readonly StoredRule[] {
  const { id, times, ...when } = way
  const usual = rules.filter(({ tier }) => when.speed === undefined || tier === undefined)
  const variants = usual.map((rule) => ({ ...rule, ...when, id: `${rule.id},${id}`, ...scaled(rule, times) }))
  return [...variants, { id, ...when, ...scaled(base, times) }]
}

const TOKEN_RATES = ['i', 'o', 'r', 'w', 'h', 't', 'ai', 'ao', 'ii', 'io'] as const

function scaled(rates: StoredRates, times: number): StoredRates {
  const fees = { ...(rates.s === undefined ? {} : { s: rates.s }), ...(rates.q === undefined ? {} : { q: rates.q }) }
  const tokens = TOKEN_RATES.flatMap((name) => {
    const rate = rates[name]
    return rate === undefined ? [] : [[name, dollars(rate * times)] as const]
  })
  return { ...fees, ...Object.fromEntries(tokens) }
}

function hourly({ i, h }: StoredRates): StoredRates {
  return h === undefined && i !== undefined ? { h: dollars(i * 2) } : {}
}

/** A rate beside one of input, in a rule that may be at another level, e.g. at half the price. */
function part({ i }: StoredRates, usual: number, rate: number): number {
  return i === undefined ? rate : dollars((rate * i) / usual)
}

/** As many digits as a nano-dollar has. */
function dollars(amount: number): number {
  return Math.round(amount * 1e9) / 1e9
}
