import { readFileSync } from 'node:fs'
import type { PriceRule, Prices, Rates } from '../models/price.ts'
import { findAnywhere, findSorted } from './sorted-lines.ts'
import type { StoredModel, StoredRates, StoredRule } from './stored.ts'

/** What the catalogue knows of one model; null and absent: not known. */
export interface CatalogueModel {
  /** `<provider>/<id>`. */
  readonly key: string
  readonly name: string | null
  /** What it is for: `chat`, `embedding`, `image`, `audio_in`, `audio_out`… */
  readonly mode: string
  readonly contextTokens: number | null
  readonly maxOutputTokens: number | null
  readonly tools: boolean | null
  readonly vision: boolean | null
  readonly hearing: boolean
  readonly reasoning: 'effort' | 'budget' | 'adaptive' | 'level' | 'none' | null
  readonly structuredOutput: 'native' | 'tool' | 'none' | null
  readonly refuses: readonly string[]
  readonly deprecated: boolean
  /** The public encoding that counts its tokens; null when it has none. */
  readonly encoding: string | null
  readonly prices: Prices | null
}

const PACKAGED = new URL(
  import.meta.url.endsWith('.ts') ? '../../../data/catalogue.txt' : '../data/catalogue.txt',
  import.meta.url,
)

/**
 * Models by provider and exact id. The text stays as it is: a look-up searches it for the line's beginning and parses that
 * line alone, so that a thread which asks for three models pays for three, and one that asks for none does not read it.
 */
export class Catalogue {
  #text: Buffer | null = null
  readonly #own: Buffer | null

  /** `file`: lines of the same form that come before the packaged ones. Throws when it cannot be read, or is no catalogue. */
  constructor(file: string | null = null) {
    this.#own = file === null ? null : ownText(file)
  }

  /** The model of exactly this id; null when there is none. Names of other lengths, other cases or with a date are others. */
  find(provider: string, id: string): CatalogueModel | null {
    if (/[\t\n]/.test(id)) return null
    const found = this.#model(provider, id)
    if (found !== null) return found
    for (const seller of this.#also(provider)) {
      const sold = this.#model(seller, id)
      if (sold !== null) return sold
    }
    return null
  }

  /** The id that a name of a provider's model stands for: that of an alias, or the name itself. */
  idOf(provider: string, name: string): string {
    if (/[\t\n]/.test(name)) return name
    const line = this.#line(`${provider}/${name}`)
    return line?.startsWith('=') === true ? line.slice(1) : name
  }

  #model(provider: string, id: string): CatalogueModel | null {
    const line = this.#line(`${provider}/${id}`)
    if (line === null) return null
    if (!line.startsWith('=')) return modelOf(`${provider}/${id}`, JSON.parse(line) as StoredModel) // made, or checked, by us
    const key = `${provider}/${line.slice(1)}`
    const named = this.#line(key)
    return named === null || named.startsWith('=') ? null : modelOf(key, JSON.parse(named) as StoredModel) // as above
  }

  #also(provider: string): readonly string[] {
    return this.#line(`@${provider}`)?.split(',') ?? []
  }

  #line(key: string): string | null {
    this.#text ??= readFileSync(PACKAGED)
    return (this.#own === null ? null : findAnywhere(this.#own, key)) ?? findSorted(this.#text, key)
  }
}

/** Throws an Error that says what is wrong with an operator's own file, and in which line. */
export function checkCatalogueFile(file: string): void {
  ownText(file)
}

let packaged: Catalogue | null = null

/** The packaged catalogue of this thread. */
export function packagedCatalogue(): Catalogue {
  packaged ??= new Catalogue()
  return packaged
}

function ownText(file: string): Buffer {
  const text = `\n${readFileSync(file, 'utf8').replaceAll('\r\n', '\n')}`
  for (const [at, line] of text.slice(1).split('\n').entries()) {
    if (line === '' || line.startsWith('#') || line.startsWith('@')) continue
    const problem = problemOf(line)
    if (problem !== null) throw new Error(`${file}, line ${at + 1}: ${problem}`)
  }
  return Buffer.from(text)
}

function problemOf(line: string): string | null {
  const tab = line.indexOf('\t')
  if (!/^[^/\t]+\/[^\t]+\t./.test(line)) return 'expected `<provider>/<model>`, a tab and the model as JSON'
  const value = line.slice(tab + 1)
  if (value.startsWith('=')) return null
  try {
    const stored: unknown = JSON.parse(value)
    if (typeof stored !== 'object' || stored === null || Array.isArray(stored)) return 'expected a JSON object'
    const model = modelOf(line.slice(0, tab), stored as StoredModel) // its numbers are checked next
    const rates = [model.prices, ...(model.prices?.conditional ?? [])].flatMap((rule) => Object.values(rule ?? {}))
    const wrong = rates.some((rate) => typeof rate === 'number' && !(Number.isSafeInteger(rate) && rate >= 0))
    return wrong ? 'a price is no number of US dollars' : null
  } catch (error) {
    return error instanceof SyntaxError ? 'what follows the tab is no JSON' : 'the model is not of the expected form'
  }
}

const REASONING = ['effort', 'budget', 'adaptive', 'level', 'none'] as const
const STRUCTURED = ['native', 'tool', 'none'] as const

/** A word of a list; null for one that this version does not know. */
function oneOf<T extends string>(words: readonly T[], word: string | undefined): T | null {
  return words.find((known) => known === word) ?? null
}

function modelOf(key: string, stored: StoredModel): CatalogueModel {
  return {
    key,
    name: stored.n ?? null,
    mode: stored.m ?? 'chat',
    contextTokens: stored.c ?? null,
    maxOutputTokens: stored.x ?? null,
    tools: stored.tools === undefined ? null : stored.tools === 1,
    vision: stored.in === undefined ? null : stored.in.includes('i'),
    hearing: stored.in?.includes('a') === true,
    reasoning: oneOf(REASONING, stored.re),
    structuredOutput: oneOf(STRUCTURED, stored.so),
    refuses: stored.no?.split(',') ?? [],
    deprecated: stored.dep === 1,
    encoding: stored.e ?? null,
    prices: stored.p === undefined ? null : pricesOf(`catalogue:${key}`, stored.p, stored.k ?? []),
  }
}

function pricesOf(rule: string, base: StoredRates, rules: readonly StoredRule[]): Prices {
  const plain = { rule, ...ratesOf(base) }
  if (rules.length === 0) return plain
  return { ...plain, conditional: rules.map((stored) => ruleOf(rule, stored)) }
}

function ruleOf(model: string, stored: StoredRule): PriceRule {
  const { id, above, tier, speed, region, from, to, hours } = stored
  const when = {
    ...(above === undefined ? {} : { above }),
    ...(tier === undefined ? {} : { tier }),
    ...(speed === undefined ? {} : { speed }),
    ...(region === undefined ? {} : { region }),
    ...(from === undefined ? {} : { from: Date.parse(from) }),
    ...(to === undefined ? {} : { to: Date.parse(to) }),
    ...(hours === undefined ? {} : { hours }),
  }
  return { rule: `${model}#${id}`, when, ...ratesOf(stored) }
}

/**
 * Reads and writes of a cache, and pictures, are charged as plain input where they have no rate of their own; what has no such
 * rule is unknown. Who is paid by the request is not paid for tokens.
 */
function ratesOf(stored: StoredRates): Rates {
  const input = nanos(stored.i ?? 0)
  const units = { seconds: stored.us, images: stored.ui, characters: stored.uc, searches: stored.uq }
  const unknown = new Set<'input' | 'output'>()
  if (stored.i === undefined && stored.q === undefined) unknown.add('input')
  if (stored.o === undefined && stored.q === undefined) unknown.add('output')
  const counted = Object.entries(units).flatMap(([unit, rate]) => (rate === undefined ? [] : [[unit, nanos(rate)]]))
  return {
    input,
    output: nanos(stored.o ?? 0),
    cacheRead: stored.r === undefined ? input : nanos(stored.r),
    cacheWrite: stored.w === undefined ? input : nanos(stored.w),
    request: nanos(stored.q ?? 0),
    ...optional('cacheWrite1h', stored.h),
    ...optional('reasoning', stored.t),
    ...optional('audioInput', stored.ai),
    ...optional('audioOutput', stored.ao),
    ...optional('imageInput', stored.ii),
    ...optional('imageOutput', stored.io),
    ...optional('webSearch', stored.s),
    ...optional('searchedAnswer', stored.sa),
    ...(unknown.size === 0 ? {} : { unknown }),
    ...(counted.length === 0 ? {} : { units: Object.fromEntries(counted) }),
  }
}

function optional(key: keyof Rates, dollars: number | undefined): Partial<Rates> {
  return dollars === undefined ? {} : { [key]: nanos(dollars) }
}

/** Dollars per million to nano-dollars per million. */
function nanos(dollars: number): number {
  return Math.round(dollars * 1e9)
}
