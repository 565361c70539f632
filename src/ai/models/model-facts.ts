import type { ConfigDocument, TargetConfig } from '../../config/index.ts'
import { Catalogue, type CatalogueModel, packagedCatalogue } from '../catalogue/catalogue.ts'
import type { Capabilities } from '../dialects/dialect.ts'
import { configuredPrices } from './configured-prices.ts'
import type { Prices } from './price.ts'

/** What is known of a target's model: from the configuration, else from the catalogue. */
export interface ModelFacts {
  readonly prices: Prices | null
  readonly capabilities: Omit<Capabilities, 'family'>
  /** Its entry of the catalogue; null when it has none. */
  readonly entry: CatalogueModel | null
}

/** Looks models up; one per plan. */
export class ModelFactsSource {
  readonly #catalogue: Catalogue
  readonly #fallback: Prices | null

  /** Throws when the operator's own catalogue cannot be read. */
  constructor({ catalogue }: ConfigDocument) {
    const { file, unpriced, prices } = catalogue
    this.#catalogue = file === undefined ? packagedCatalogue() : new Catalogue(file)
    const priced = unpriced === 'price' && prices !== undefined
    this.#fallback = priced ? { ...configuredPrices('config:catalogue.prices', prices), anyWay: true } : null
  }

  /** `kind` is null for a provider whose models are in no catalogue. `owner` is where the target stands in the configuration, for the name of its price rule. */
  of(kind: string | null, model: string, owner: string, target: TargetConfig | undefined): ModelFacts {
    const [provider, id] = splitEntry(target?.catalogue) ?? [kind, model]
    const entry = provider === null ? null : this.#catalogue.find(provider, id)
    const own = target?.prices === undefined ? null : configuredPrices(`config:${owner}`, target.prices)
    const known = own ?? entry?.prices ?? null
    const fallback = this.#fallback
    const prices = known === null || fallback === null ? (known ?? fallback) : { ...known, otherwise: fallback }
    return { prices, capabilities: capabilitiesOf(entry, target), entry }
  }
}

function splitEntry(text: string | undefined): readonly [provider: string, id: string] | null {
  const slash = text?.indexOf('/') ?? -1
  return text === undefined || slash < 0 ? null : [text.slice(0, slash), text.slice(slash + 1)]
}

function capabilitiesOf(entry: CatalogueModel | null, target: TargetConfig | undefined): ModelFacts['capabilities'] {
  const own = target?.capabilities
  return {
    maxOutputTokens: target?.max_output_tokens ?? entry?.maxOutputTokens ?? null,
    contextTokens: own?.context_tokens ?? entry?.contextTokens ?? null,
    // What the configuration says is meant for relays, too, whoever serves the model.
    refuses: new Set([...(own?.refuses ?? entry?.refuses ?? []), ...(own?.reasoning === 'none' ? ['reasoning'] : [])]),
    structuredOutput: own?.structured_output ?? entry?.structuredOutput ?? null,
    tools: own?.tools ?? entry?.tools ?? null,
    vision: own?.vision ?? entry?.vision ?? null,
    reasoning: own?.reasoning ?? entry?.reasoning ?? null,
  }
}
