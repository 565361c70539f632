import type { ConfigDocument, ProviderConfig, TargetConfig } from '../config/index.ts'
import type { Route } from '../core/index.ts'
import type { GatewayMetrics } from '../observability/index.ts'
import { mayHaveModel } from './config-facts.ts'
import { createConversationInspect } from './conversation/conversation-route.ts'
import { chatCodeName, renderChatError, renderChatStreamError } from './conversation/errors.ts'
import { demoModels } from './demo/index.ts'
import { createModelDetail, createModelList } from './models/models-route.ts'
import type { Prices } from './models/price.ts'
import { type CatalogueEntry, type DirectProvider, ModelRegistry } from './models/registry.ts'
import { ModelTarget } from './models/target.ts'
import { DEMO_PROVIDER, providerRow } from './providers/table.ts'
import { buildProvider, type ProviderUpstream, type TransportSource } from './providers/upstreams.ts'

export interface CompileOptions {
  readonly document: ConfigDocument
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly metrics: GatewayMetrics
  readonly transports: TransportSource
  /** Hooks that the composition root puts around the surfaces. */
  readonly hooks: SurfaceHooks
}

/** What governance brings to a surface: who calls, what it may, what it costs. */
export interface SurfaceHooks {
  readonly chat: Pick<Route, 'identify' | 'admit' | 'reserve' | 'settle'>
  readonly models: Pick<Route, 'identify' | 'admit' | 'settle'>
  readonly unmatched: Pick<Route, 'settle'>
}

export interface Surfaces {
  readonly chat: Route
  readonly modelList: Route
  readonly modelDetail: Route
  /** Errors of requests that matched nothing. */
  readonly fallback: Route
}

/** Compiles models and providers of a document into the routes that clients call. Throws when a reference is missing. */
export function compileSurfaces(options: CompileOptions): Surfaces {
  const registry = compileRegistry(options)
  const created = Math.floor(Date.now() / 1000)
  const { hooks, document } = options
  const dialect = { codeName: chatCodeName, renderError: renderChatError }
  const plain = { ...dialect, bodyLimit: -1, reserve: null, renderStreamError: null }
  return {
    chat: {
      name: 'chat.completions',
      ...hooks.chat,
      ...dialect,
      bodyLimit: document.limits.body,
      inspect: createConversationInspect(registry),
      renderStreamError: renderChatStreamError,
    },
    modelList: { ...plain, name: 'models.list', ...hooks.models, inspect: createModelList(registry, created) },
    modelDetail: { ...plain, name: 'models.get', ...hooks.models, inspect: createModelDetail(registry, created) },
    fallback: { ...plain, name: 'none', identify: null, admit: null, inspect: null, ...hooks.unmatched },
  }
}

function compileRegistry(options: CompileOptions): ModelRegistry {
  const { document } = options
  const providers = new Map<string, ProviderUpstream>()
  const demo: ProviderConfig = { kind: DEMO_PROVIDER, direct: true, headers: {}, timeouts: {}, max_connections: 1024 }
  const providerNamed = (name: string): ProviderUpstream => {
    let provider = providers.get(name)
    if (provider === undefined) {
      const config = document.providers[name] ?? (name === DEMO_PROVIDER ? demo : undefined)
      if (config === undefined) throw new Error(`there is no provider "${name}"`)
      provider = buildProvider(name, config, document, options.environment, options.transports)
      providers.set(name, provider)
    }
    return provider
  }
  const target = (
    label: string,
    provider: string,
    model: string,
    config: Partial<TargetConfig>,
    prices: Prices | null,
  ) => makeTarget(options, label, provider, providerNamed(provider), model, config, prices)

  const entries: CatalogueEntry[] = []
  for (const [name, model] of Object.entries(document.models)) {
    const config = model.targets[0]
    if (config === undefined) throw new Error(`models.${name}.targets is empty`)
    const made = target(name, config.provider, config.model, config, pricesOf(`models.${name}`, config))
    entries.push({ name, ownedBy: config.provider, target: made, configured: true })
  }
  const direct: DirectProvider[] = []
  for (const [name, config] of Object.entries(document.providers)) {
    if (!config.direct || name === DEMO_PROVIDER) continue
    const make = (model: string) =>
      mayHaveModel(config.kind, model) ? target(`${name}/*`, name, model, {}, null) : null
    direct.push({ provider: name, barePrefix: null, make })
    for (const model of providerRow(config.kind)?.knownModels ?? []) {
      const known = `${name}/${model}`
      if (document.models[known] === undefined) {
        const made = target(`${name}/*`, name, model, {}, null)
        entries.push({ name: known, ownedBy: name, target: made, configured: false })
      }
    }
  }
  for (const model of demoModels) {
    if (document.models[model.id] !== undefined) continue
    const made = target(model.id, DEMO_PROVIDER, model.id, {}, { ...model.prices, rule: `demo:${model.id}` })
    entries.push({ name: model.id, ownedBy: DEMO_PROVIDER, target: made, configured: false })
  }
  const demoPrices = demoModels[0]?.prices
  direct.push({
    provider: DEMO_PROVIDER,
    barePrefix: 'demo-',
    make: (model) => {
      if (!mayHaveModel(DEMO_PROVIDER, model)) return null
      const prices = demoPrices === undefined ? null : { ...demoPrices, rule: 'demo:any' }
      return target('demo/*', DEMO_PROVIDER, model, {}, prices)
    },
  })
  return new ModelRegistry(entries, document.aliases, direct)
}

function makeTarget(
  options: CompileOptions,
  label: string,
  providerName: string,
  provider: ProviderUpstream,
  model: string,
  config: Partial<TargetConfig>,
  prices: Prices | null,
): ModelTarget {
  const { reservation } = options.document
  return new ModelTarget({
    provider: providerName,
    model,
    upstream: provider.upstream,
    path: `${provider.root}/chat/completions`,
    headers: provider.headers,
    secrets: provider.secrets,
    prices,
    maxOutputTokens: config.max_output_tokens ?? null,
    reservation: { bytesPerToken: reservation.bytes_per_token, outputTokens: reservation.output_tokens },
    series: options.metrics.series('chat.completions', label, providerName),
  })
}

function pricesOf(rule: string, config: TargetConfig): Prices | null {
  const prices = config.prices
  if (prices === undefined) return null
  return {
    rule: `config:${rule}`,
    input: prices.input,
    output: prices.output,
    cacheRead: prices.cache_read ?? prices.input,
    cacheWrite: prices.cache_write ?? prices.input,
    request: prices.request,
  }
}
