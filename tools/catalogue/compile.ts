import type { MatchLogic, ModelInfo } from '@pydantic/genai-prices'
import type { StoredModel, StoredRates } from '../../src/ai/catalogue/stored.ts'
import { addedModels, corrected, STANDS_FOR } from './corrections.ts'
import { encodingOf, factsOf, modeOf } from './facts.ts'
import { pricesOf } from './price-lines.ts'
import { ALSO, CAPABILITY_PROVIDERS, FIRST_DECIDES, PRICED_PROVIDERS, SECOND_DECIDES } from './providers.ts'
import type { CapabilityRow, Source } from './sources.ts'

export interface CompileInput {
  readonly priced: ReadonlyMap<string, readonly ModelInfo[]>
  readonly capable: ReadonlyMap<string, readonly CapabilityRow[]>
  readonly sources: readonly Source[]
  readonly now: Date
}

export interface Compiled {
  readonly text: string
  readonly counts: Readonly<Record<string, number>>
}

interface Draft {
  readonly model: ModelInfo | null
  readonly capability: CapabilityRow | null
}

/** Joins the sources: an id of a provider stands for one model, exactly; no pattern and no prefix goes into the file. */
export function compile({ priced, capable, sources, now }: CompileInput): Compiled {
  const drafts = new Map<string, Draft>()
  const aliases = new Map<string, string>()
  for (const [source, provider, suffix = ''] of PRICED_PROVIDERS) {
    for (const model of priced.get(source) ?? []) {
      const key = `${provider}/${model.id}${suffix}`
      drafts.set(key, { model, capability: null })
      for (const alias of equalsOf(model.match))
        if (alias !== model.id) aliases.set(`${provider}/${alias}${suffix}`, key)
    }
  }
  for (const key of drafts.keys()) aliases.delete(key)
  for (const [source, rows] of capable) {
    const provider = CAPABILITY_PROVIDERS[source] ?? source
    for (const row of rows) addCapability(drafts, aliases, provider, row)
  }
  for (const [name, other] of Object.entries(STANDS_FOR)) {
    const model = drafts.get(other)?.model
    // What was another name of theirs is none of the model that they stand for.
    for (const [alias, key] of aliases) if (key === name) aliases.delete(alias)
    if (model !== undefined) drafts.set(name, { model, capability: drafts.get(other)?.capability ?? null })
  }
  const added = addedModels()
  for (const key of added.keys()) {
    drafts.set(key, { model: null, capability: null })
    aliases.delete(key)
  }
  const lines = new Map<string, string>()
  const counts = { models: 0, priced: 0, aliases: 0, rules: 0, providers: 0 }
  for (const [key, draft] of drafts) {
    const own = added.get(key)
    const stored = own === undefined ? storedOf(key, draft, now) : addedOf(key, own)
    lines.set(key, JSON.stringify(stored))
    counts.models++
    if (stored.p !== undefined) counts.priced++
    counts.rules += stored.k?.length ?? 0
  }
  for (const [alias, key] of aliases) {
    const draft = drafts.get(key)
    if (draft === undefined) continue
    // A name that says more than the model's own (`-chat-latest`) may stand for something else in what is documented.
    const own = JSON.stringify(storedOf(alias, draft, now))
    const same = own === lines.get(key)
    lines.set(alias, same ? `=${key.slice(key.indexOf('/') + 1)}` : own)
    counts.aliases++
  }
  counts.providers = new Set([...drafts.keys()].map((key) => key.slice(0, key.indexOf('/')))).size
  const head = [
    `# Models: prices in US dollars, capabilities. Made by "npm run catalogue" on ${now.toISOString().slice(0, 10)}; not to be edited.`,
    ...sources.map(({ name, version, licence }) => `# From ${name} ${version} (${licence}).`),
    `# ${counts.models} models of ${counts.providers} providers, ${counts.aliases} further names, ${counts.priced} with prices.`,
    ...Object.entries(ALSO)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([provider, others]) => `@${provider}\t${others.join(',')}`),
  ]
  const body = [...lines].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, line]) => `${key}\t${line}`)
  return { text: `${[...head, ...body].join('\n')}\n`, counts }
}

/** The second source names exact ids: an id that the first has under another name gets its prices when theirs agree. */
function addCapability(
  drafts: Map<string, Draft>,
  aliases: Map<string, string>,
  provider: string,
  row: CapabilityRow,
): void {
  const key = `${provider}/${row.id}`
  const draft = drafts.get(key)
  if (draft !== undefined) {
    drafts.set(key, { ...draft, capability: row })
    return
  }
  const target = aliases.get(key)
  const named = target === undefined ? null : (drafts.get(target)?.model ?? null)
  const agreed = SECOND_DECIDES.has(key) ? null : named
  const model = agreed ?? matching(drafts, provider, row) ?? sellersModel(drafts, provider, row)
  aliases.delete(key)
  drafts.set(key, { model, capability: row })
}

/** A model of the first source whose pattern takes this id, and whose prices are the same where they can be compared. */
function matching(drafts: ReadonlyMap<string, Draft>, provider: string, row: CapabilityRow): ModelInfo | null {
  for (const [key, { model }] of drafts) {
    if (!key.startsWith(`${provider}/`) || model === null) continue
    if (!matches(model.match, row.id.toLowerCase())) continue
    if (FIRST_DECIDES.has(provider) || samePrice(model, row)) return model
  }
  return null
}

/** The vendor's own model that a cloud sells at the vendor's price: its rules for long contexts, sound and caches hold there, too. */
function sellersModel(drafts: ReadonlyMap<string, Draft>, provider: string, row: CapabilityRow): ModelInfo | null {
  for (const vendor of ALSO[provider] ?? []) {
    const own = drafts.get(`${vendor}/${row.id}`)?.model ?? null
    if (own !== null && samePrice(own, row)) return own
    const model = matching(drafts, vendor, row)
    if (model !== null && samePrice(model, row)) return model
  }
  return null
}

function samePrice({ prices }: ModelInfo, { cost }: CapabilityRow): boolean {
  const last = Array.isArray(prices) ? prices.at(-1)?.prices : prices
  const plain = (price: unknown): unknown =>
    typeof price === 'object' && price !== null && 'base' in price ? price.base : price
  return last !== undefined && plain(last['input_mtok']) === cost.input && plain(last['output_mtok']) === cost.output
}

function storedOf(key: string, { model, capability }: Draft, now: Date): StoredModel {
  const [provider = '', ...rest] = key.split('/')
  const id = rest.join('/')
  const facts = factsOf(provider, id)
  const mode = modeOf(id)
  const told = model === null ? null : pricesOf(model, key, now)
  const flat = told === null ? ratesOf(capability) : undefined
  const prices = corrected(provider, id, told ?? (flat === undefined ? null : { base: flat, rules: [] }))
  const vision = facts.vision ?? capability?.input.includes('image')
  const tools = facts.tools ?? (capability === null ? undefined : true)
  const reasoning = facts.reasoning ?? reasoningOf(capability)
  const context = capability?.contextWindow ?? model?.context_window
  return {
    ...optional('n', nameOf(model, capability)),
    ...(mode === 'chat' ? {} : { m: mode }),
    ...optional('c', context === undefined || context <= 0 ? undefined : Math.round(context)),
    ...optional('x', mode === 'chat' ? (facts.maxOutput ?? positive(capability?.maxTokens)) : undefined),
    ...optional('in', vision === undefined ? undefined : `${vision ? 'i' : ''}${hearsAudio(model) ? 'a' : ''}`),
    ...optional<'tools', 0 | 1>('tools', tools === undefined ? undefined : tools ? 1 : 0),
    ...optional('re', reasoning),
    ...optional('so', facts.structured),
    ...optional('no', facts.refuses?.join(',')),
    ...(model?.deprecated === true ? { dep: 1 as const } : {}),
    ...optional('e', encodingOf(provider, id)),
    ...optional('p', prices?.base),
    ...optional('k', prices === null || prices.rules.length === 0 ? undefined : prices.rules),
  }
}

/** A model of our own. */
function addedOf(key: string, model: StoredModel): StoredModel {
  const mode = modeOf(key.slice(key.indexOf('/') + 1))
  return mode === 'chat' ? model : { ...model, m: mode }
}

function optional<K extends string, V>(key: K, value: V | undefined): { readonly [key in K]?: V } {
  // A computed key is a string for the compiler; here it is the one of the type.
  return value === undefined ? {} : ({ [key]: value } as { readonly [key in K]: V })
}

function positive(value: number | undefined): number | undefined {
  return value === undefined || value <= 0 ? undefined : Math.round(value)
}

function nameOf(model: ModelInfo | null, capability: CapabilityRow | null): string | undefined {
  return (capability?.name ?? model?.name)?.replaceAll(/\s+/g, ' ').trim()
}

function hearsAudio(model: ModelInfo | null): boolean {
  const prices = model === null ? undefined : Array.isArray(model.prices) ? model.prices.at(-1)?.prices : model.prices
  return prices?.['input_audio_mtok'] !== undefined
}

/** Only what is certain: that it has none. How it is asked for depends on the vendor. */
function reasoningOf(capability: CapabilityRow | null): string | undefined {
  return capability?.reasoning === false ? 'none' : undefined
}

/** Zero stands for "not known" there, but for a model that calls itself free. */
function ratesOf(capability: CapabilityRow | null): StoredRates | undefined {
  if (capability === null) return undefined
  const { input, output, cacheRead, cacheWrite } = capability.cost
  if (input === 0 && output === 0) return capability.id.endsWith(':free') ? { i: 0, o: 0 } : undefined
  if (!(input >= 0) || !(output >= 0)) return undefined
  return {
    i: input,
    o: output,
    ...(cacheRead > 0 ? { r: cacheRead } : {}),
    ...(cacheWrite > 0 ? { w: cacheWrite } : {}),
  }
}

/** The names that a pattern gives exactly. */
function equalsOf(match: MatchLogic): readonly string[] {
  if ('equals' in match) return [match.equals]
  return 'or' in match ? match.or.flatMap(equalsOf) : []
}

function matches(match: MatchLogic, id: string): boolean {
  if ('or' in match) return match.or.some((each) => matches(each, id))
  if ('and' in match) return match.and.every((each) => matches(each, id))
  if ('equals' in match) return id === match.equals.toLowerCase()
  if ('starts_with' in match) return id.startsWith(match.starts_with.toLowerCase())
  if ('ends_with' in match) return id.endsWith(match.ends_with.toLowerCase())
  if ('contains' in match) return id.includes(match.contains.toLowerCase())
  return new RegExp(match.regex).test(id)
}
