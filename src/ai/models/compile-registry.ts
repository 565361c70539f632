import type { ConfigDocument, ProviderConfig } from '../../config/index.ts'
import type { SharedState } from '../../core/index.ts'
import type { GatewayMetrics } from '../../observability/index.ts'
import { mayHaveModel } from '../config-facts.ts'
import { demoModels } from '../demo/index.ts'
import { dialectOf } from '../dialects/tables.ts'
import type { Endpoint } from '../providers/endpoint.ts'
import { DEMO_PROVIDER, providerRow } from '../providers/table.ts'
import { buildProvider, type ProviderUpstream, type TransportSource } from '../providers/upstreams.ts'
import { commentEvery } from '../relay/heartbeat.ts'
import { compileGroup, directGroup, type GroupOptions } from '../routing/compile-group.ts'
import type { CompileRegex } from '../routing/conditions/conditions.ts'
import { namedTargets } from '../routing/named-targets.ts'
import { timeoutsOf } from '../routing/settings.ts'
import { TargetMemories } from '../routing/state/target-memories.ts'
import type { TargetSource, TargetSpec } from '../routing/target-source.ts'
import { ModelFactsSource } from './model-facts.ts'
import type { Prices } from './price.ts'
import { type CatalogueEntry, type DirectProvider, ModelRegistry, type PatternEntry } from './registry.ts'
import { ModelTarget } from './target.ts'
import { TargetEndpoint } from './target-endpoint.ts'

export interface RegistryOptions {
  readonly document: ConfigDocument
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly metrics: GatewayMetrics
  readonly transports: TransportSource
  /** The operational log; absent: nobody reads it. */
  readonly warn?: ((message: string, fields: Readonly<Record<string, unknown>>) => void) | undefined
  /** Compiles expressions of rules; absent or null: there are none. */
  readonly regex?: CompileRegex | null | undefined
  /** Where workers agree on what they know of targets; absent: nothing is remembered. */
  readonly shared?: SharedState | undefined
}

/** Compiles models and providers of a document, whose dialects are loaded. Throws when a reference is missing. */
export function compileRegistry(options: RegistryOptions): ModelRegistry {
  const { document, regex = null } = options
  const targets = new Targets(options)
  const groups = { document, source: targets, regex, named: namedTargets(document) }
  const parts: Parts = { document, targets, groups }
  return new ModelRegistry({
    keepsTargets: Object.values(options.document.models).some(({ targets }) =>
      targets.some(({ visible_to: keptFor }) => keptFor !== undefined),
    ),
    entries: [...configured(parts), ...known(parts), ...demos(parts)],
    aliases: document.aliases,
    direct: [...direct(parts), directDemo(parts)],
    patterns: [...patterns(parts)],
    memories: options.shared === undefined ? undefined : memoriesOf(options.shared, options),
    metrics: options.metrics,
    warn: options.warn,
    reservation: {
      bytesPerToken: document.reservation.bytes_per_token,
      outputTokens: document.reservation.output_tokens,
      webSearches: document.reservation.web_searches,
      unknownInput: document.reservation.unknown_input,
    },
    providerNames: Object.keys(document.providers),
    provider: (name) =>
      name === DEMO_PROVIDER || document.providers[name] !== undefined ? targets.provider(name, null) : null,
  })
}

function memoriesOf(shared: SharedState, { document: { routing }, metrics }: RegistryOptions): TargetMemories {
  const { budget_share: share, budget_per_second: perSecond } = routing.retry
  return new TargetMemories(shared, { share, perSecond }, metrics)
}

interface Parts {
  readonly document: ConfigDocument
  readonly targets: Targets
  readonly groups: GroupOptions
}

/** Models of the configuration. */
function* configured({ document, groups }: Parts): Generator<CatalogueEntry> {
  for (const name of Object.keys(document.models)) {
    if (name.endsWith('*')) continue
    const group = compileGroup(groups, name, name)
    if (group === null) throw new Error(`models.${name} has no target`)
    yield { name, ownedBy: group.first.provider, group, configured: true }
  }
}

/** Those that stand for many names. What does not depend on the name is compiled once, so that its faults are found now. */
function* patterns({ document, groups }: Parts): Generator<PatternEntry> {
  for (const entry of Object.keys(document.models)) {
    if (!entry.endsWith('*')) continue
    compileGroup(groups, entry, entry)
    const prefix = entry.slice(0, -1)
    const known = knownNames(document, entry).filter((name) => name.startsWith(prefix))
    yield { prefix, known, make: (name) => compileGroup(groups, entry, name) }
  }
}

/**
 * A few models of the providers that are asked for any name. Not all of the catalogue: it has what an account may not use, and what
 * nobody wants any more; nor what the providers list, since a list must not wait for them.
 */
function knownNames({ models, providers }: ConfigDocument, entry: string): string[] {
  const asked = models[entry]?.targets?.filter(({ model, provider }) => model === undefined && provider !== undefined)
  const kinds = new Set(asked?.map(({ provider = '' }) => providers[provider]?.kind ?? ''))
  return [...kinds].flatMap((kind) => providerRow(kind)?.knownModels ?? [])
}

/** A few models of each provider whose models may be addressed directly. */
function* known({ document, groups }: Parts): Generator<CatalogueEntry> {
  for (const [provider, config] of directProviders(document)) {
    for (const model of providerRow(config.kind)?.knownModels ?? []) {
      const name = `${provider}/${model}`
      if (document.models[name] !== undefined) continue
      const group = directGroup(groups, { name, provider, model, label: `${provider}/*` })
      yield { name, ownedBy: provider, group, configured: false }
    }
  }
}

function* demos({ document, groups }: Parts): Generator<CatalogueEntry> {
  for (const { id } of demoModels) {
    if (document.models[id] !== undefined) continue
    const group = directGroup(groups, { name: id, provider: DEMO_PROVIDER, model: id, label: id })
    yield { name: id, ownedBy: DEMO_PROVIDER, group, configured: false }
  }
}

function* direct({ document, groups }: Parts): Generator<DirectProvider> {
  for (const [provider, { kind }] of directProviders(document)) {
    const make = (model: string) =>
      mayHaveModel(kind, model)
        ? directGroup(groups, { name: `${provider}/${model}`, provider, model, label: `${provider}/*` })
        : null
    yield { provider, barePrefix: null, make }
  }
}

function directProviders({ providers }: ConfigDocument): [name: string, config: ProviderConfig][] {
  return Object.entries(providers).filter(([name, config]) => config.direct && name !== DEMO_PROVIDER)
}

function directDemo({ groups }: Parts): DirectProvider {
  return {
    provider: DEMO_PROVIDER,
    barePrefix: 'demo-',
    make: (model) => {
      if (!mayHaveModel(DEMO_PROVIDER, model)) return null
      return directGroup(groups, { name: model, provider: DEMO_PROVIDER, model, label: `${DEMO_PROVIDER}/*` })
    },
  }
}

const WARN_EVERY_MS = 60_000
const MOST_NAMES = 16

/** Makes targets, and each provider that they need once. */
class Targets implements TargetSource {
  readonly #options: RegistryOptions
  readonly #providers = new Map<string, ProviderUpstream>()
  readonly #facts: ModelFactsSource

  constructor(options: RegistryOptions) {
    this.#options = options
    this.#facts = new ModelFactsSource(options.document)
  }

  make({ label, provider: name, model, credential, owner, target, named }: TargetSpec): ModelTarget {
    const { document, metrics } = this.#options
    const provider = this.provider(name, credential)
    const facts = this.#facts.of(provider.kind === DEMO_PROVIDER ? null : provider.kind, model, owner, target)
    const shared = {
      model: provider.nameOf(model),
      vendorName: model,
      capabilities: { ...facts.capabilities, family: target?.capabilities?.family ?? provider.familyOf(model) },
      onUnsupported: named?.on_unsupported ?? document.translation.on_unsupported,
      onLoss: named?.on_loss ?? document.translation.on_loss,
      cacheMarks: named?.cache_marks ?? document.translation.cache_marks,
      fetchesMedia: document.translation.fetch_media.enabled,
      headers: provider.headers,
      warn: this.#warner(`${name}/${model}`),
    }
    const { upstream } = provider
    return new ModelTarget({
      provider: name,
      model,
      from: provider,
      upstream:
        target?.timeouts === undefined ? upstream : { ...upstream, timeouts: timeoutsOf(upstream.timeouts, target) },
      endpoints: endpointsFor(provider, model).map((endpoint) => {
        // Frames are unpacked for relays only.
        const dialect = endpoint.frames === true ? null : (dialectOf(endpoint.dialect).upstream ?? null)
        return new TargetEndpoint({ ...shared, endpoint, dialect })
      }),
      secrets: provider.secrets,
      // Of an entry of the configuration, only what that says is known.
      prices: named === undefined && name === DEMO_PROVIDER ? demoPrices(model) : facts.prices,
      tellsCost: provider.tellsCost && target?.prices === undefined,
      refusesUnpriced: document.catalogue.unpriced === 'refuse',
      facts,
      maxOutputTokens: facts.capabilities.maxOutputTokens,
      reservation: {
        bytesPerToken: document.reservation.bytes_per_token,
        outputTokens: document.reservation.output_tokens,
        webSearches: document.reservation.web_searches,
        unknownInput: document.reservation.unknown_input,
      },
      heartbeat: document.answers.heartbeat === 'off' ? null : commentEvery(document.answers.heartbeat),
      costTold: document.answers.cost,
      series: (surface, variant) => metrics.series(surface, label, name, variant),
      credentials: provider.credentials,
      nextLane: provider.nextLane ?? undefined,
    })
  }

  credentials(provider: string): readonly { readonly name: string; readonly weight: number }[] {
    const all = this.#options.document.providers[provider]?.credentials ?? []
    return all.map(({ name, weight }, index) => ({ name: name ?? String(index + 1), weight }))
  }

  mayHave(provider: string, model: string): boolean {
    return mayHaveModel(this.#options.document.providers[provider]?.kind ?? provider, model)
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

  /** With one of its credentials, or with all in turn for null. */
  provider(name: string, credential: string | null): ProviderUpstream {
    const key = credential === null ? name : `${name}#${credential}`
    let provider = this.#providers.get(key)
    if (provider === undefined) {
      const { document, environment, transports } = this.#options
      const config = document.providers[name] ?? (name === DEMO_PROVIDER ? BUILT_IN_DEMO : undefined)
      if (config === undefined) throw new Error(`there is no provider "${name}"`)
      provider = buildProvider(name, withOnly(config, credential), document, environment, transports)
      this.#providers.set(key, provider)
    }
    return provider
  }
}

function withOnly(config: ProviderConfig, credential: string | null): ProviderConfig {
  if (credential === null) return config
  const own = config.credentials?.filter(({ name }, index) => (name ?? String(index + 1)) === credential)
  return own === undefined ? config : { ...config, credentials: own.map((each) => ({ ...each, name: credential })) }
}

function demoPrices(model: string): Prices | null {
  const own = demoModels.find(({ id }) => id === model)
  const prices = own?.prices ?? demoModels[0]?.prices
  return prices === undefined ? null : { ...prices, rule: own === undefined ? 'demo:any' : `demo:${model}` }
}

/** Those that serve the model; all, when that is not known of this one. */
function endpointsFor({ endpoints }: ProviderUpstream, model: string): readonly Endpoint[] {
  const serving = endpoints.filter(({ models }) => models === null || models.test(model))
  return (serving.length === 0 ? endpoints : serving).map(({ endpoint }) => endpoint)
}

const BUILT_IN_DEMO: ProviderConfig = {
  kind: DEMO_PROVIDER,
  direct: true,
  tags: [],
  headers: {},
  deployments: {},
  timeouts: {},
  max_connections: 1024,
  pending_timeout: 10_000,
}
