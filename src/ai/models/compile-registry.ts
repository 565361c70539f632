import type { ConfigDocument, ModelConfig, ProviderConfig, TargetConfig } from '../../config/index.ts'
import type { GatewayMetrics } from '../../observability/index.ts'
import { mayHaveModel } from '../config-facts.ts'
import { demoModels } from '../demo/index.ts'
import { UPSTREAM_DIALECTS } from '../dialects/tables.ts'
import type { Endpoint } from '../providers/endpoint.ts'
import { DEMO_PROVIDER, providerRow } from '../providers/table.ts'
import { buildProvider, type ProviderUpstream, type TransportSource } from '../providers/upstreams.ts'
import { ModelFactsSource } from './model-facts.ts'
import type { Prices } from './price.ts'
import { type CatalogueEntry, type DirectProvider, ModelRegistry } from './registry.ts'
import { ModelTarget } from './target.ts'
import { TargetEndpoint } from './target-endpoint.ts'

export interface RegistryOptions {
  readonly document: ConfigDocument
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly metrics: GatewayMetrics
  readonly transports: TransportSource
  /** The operational log; absent: nobody reads it. */
  readonly warn?: ((message: string, fields: Readonly<Record<string, unknown>>) => void) | undefined
}

/** One model of one provider, as a name of clients leads to it. */
interface TargetSpec {
  /** What its metrics are called: few, so that clients cannot make series. */
  readonly label: string
  readonly provider: string
  readonly model: string
  /** Those that are always its own; null: by the configuration and the catalogue. */
  readonly prices: Prices | null
  /** Where it stands in the configuration. */
  readonly owner?: string
  readonly target?: TargetConfig
  readonly named?: ModelConfig
}

/** Compiles models and providers of a document. Throws when a reference is missing. */
export function compileRegistry(options: RegistryOptions): ModelRegistry {
  const { document } = options
  const targets = new Targets(options)
  const entries = [...configured(document, targets), ...known(document, targets), ...demos(document, targets)]
  const provider = (name: string) =>
    name === DEMO_PROVIDER || document.providers[name] !== undefined ? targets.provider(name) : null
  return new ModelRegistry(entries, document.aliases, [...direct(document, targets), directDemo(targets)], provider)
}

/** Models of the configuration. */
function* configured({ models }: ConfigDocument, targets: Targets): Generator<CatalogueEntry> {
  for (const [name, named] of Object.entries(models)) {
    const target = named.targets[0]
    if (target === undefined) throw new Error(`models.${name}.targets is empty`)
    const { provider, model } = target
    const made = targets.make({ label: name, provider, model, prices: null, owner: `models.${name}`, target, named })
    yield { name, ownedBy: provider, target: made, configured: true }
  }
}

/** A few models of each provider whose models may be addressed directly. */
function* known(document: ConfigDocument, targets: Targets): Generator<CatalogueEntry> {
  for (const [provider, config] of directProviders(document)) {
    for (const model of providerRow(config.kind)?.knownModels ?? []) {
      const name = `${provider}/${model}`
      if (document.models[name] !== undefined) continue
      const target = targets.make({ label: `${provider}/*`, provider, model, prices: null })
      yield { name, ownedBy: provider, target, configured: false }
    }
  }
}

function* demos(document: ConfigDocument, targets: Targets): Generator<CatalogueEntry> {
  for (const { id, prices } of demoModels) {
    if (document.models[id] !== undefined) continue
    const spec = { label: id, provider: DEMO_PROVIDER, model: id, prices: { ...prices, rule: `demo:${id}` } }
    yield { name: id, ownedBy: DEMO_PROVIDER, target: targets.make(spec), configured: false }
  }
}

function* direct(document: ConfigDocument, targets: Targets): Generator<DirectProvider> {
  for (const [provider, { kind }] of directProviders(document)) {
    const make = (model: string) =>
      mayHaveModel(kind, model) ? targets.make({ label: `${provider}/*`, provider, model, prices: null }) : null
    yield { provider, barePrefix: null, make }
  }
}

function directProviders({ providers }: ConfigDocument): [name: string, config: ProviderConfig][] {
  return Object.entries(providers).filter(([name, config]) => config.direct && name !== DEMO_PROVIDER)
}

function directDemo(targets: Targets): DirectProvider {
  const demoPrices = demoModels[0]?.prices
  return {
    provider: DEMO_PROVIDER,
    barePrefix: 'demo-',
    make: (model) => {
      if (!mayHaveModel(DEMO_PROVIDER, model)) return null
      const prices = demoPrices === undefined ? null : { ...demoPrices, rule: 'demo:any' }
      return targets.make({ label: 'demo/*', provider: DEMO_PROVIDER, model, prices })
    },
  }
}

const WARN_EVERY_MS = 60_000
const MOST_NAMES = 16

/** Makes targets, and each provider that they need once. */
class Targets {
  readonly #options: RegistryOptions
  readonly #providers = new Map<string, ProviderUpstream>()
  readonly #facts: ModelFactsSource

  constructor(options: RegistryOptions) {
    this.#options = options
    this.#facts = new ModelFactsSource(options.document)
  }

  make({ label, provider: name, model, prices, owner = '', target, named }: TargetSpec): ModelTarget {
    const { document, metrics } = this.#options
    const provider = this.provider(name)
    const facts = this.#facts.of(provider.kind === DEMO_PROVIDER ? null : provider.kind, model, owner, target)
    const shared = {
      model: provider.nameOf(model),
      vendorName: model,
      capabilities: { ...facts.capabilities, family: provider.familyOf(model) },
      onUnsupported: named?.on_unsupported ?? document.translation.on_unsupported,
      onLoss: named?.on_loss ?? document.translation.on_loss,
      headers: provider.headers,
      warn: this.#warner(`${name}/${model}`),
    }
    return new ModelTarget({
      provider: name,
      model,
      upstream: provider.upstream,
      endpoints: endpointsFor(provider, model).map((endpoint) => {
        return new TargetEndpoint({ ...shared, endpoint, dialect: UPSTREAM_DIALECTS[endpoint.dialect] ?? null })
      }),
      secrets: provider.secrets,
      prices: prices ?? facts.prices,
      refusesUnpriced: document.catalogue.unpriced === 'refuse',
      facts,
      maxOutputTokens: facts.capabilities.maxOutputTokens,
      reservation: {
        bytesPerToken: document.reservation.bytes_per_token,
        outputTokens: document.reservation.output_tokens,
      },
      series: (surface) => metrics.series(surface, label, name),
    })
  }

  /** Whoever repeats a request must not fill the log: each message stands there once in a while for a target. */
  #warner(target: string): ((message: string, parameters: readonly string[]) => void) | undefined {
    const { warn } = this.#options
    if (warn === undefined) return undefined
    const next = new Map<string, number>()
    return (message, parameters) => {
      const now = performance.now()
      if (now < (next.get(message) ?? 0)) return
      next.set(message, now + WARN_EVERY_MS)
      warn(message, { target, parameters: parameters.slice(0, MOST_NAMES).join(',') })
    }
  }

  provider(name: string): ProviderUpstream {
    let provider = this.#providers.get(name)
    if (provider === undefined) {
      const { document, environment, transports } = this.#options
      const config = document.providers[name] ?? (name === DEMO_PROVIDER ? BUILT_IN_DEMO : undefined)
      if (config === undefined) throw new Error(`there is no provider "${name}"`)
      provider = buildProvider(name, config, document, environment, transports)
      this.#providers.set(name, provider)
    }
    return provider
  }
}

/** Those that serve the model; all, when that is not known of this one. */
function endpointsFor({ endpoints }: ProviderUpstream, model: string): readonly Endpoint[] {
  const serving = endpoints.filter(({ models }) => models === null || models.test(model))
  return (serving.length === 0 ? endpoints : serving).map(({ endpoint }) => endpoint)
}

const BUILT_IN_DEMO: ProviderConfig = {
  kind: DEMO_PROVIDER,
  direct: true,
  headers: {},
  deployments: {},
  timeouts: {},
  max_connections: 1024,
}
