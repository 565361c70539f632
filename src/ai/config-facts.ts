import type { ProviderFacts } from '../config/index.ts'
import { behaviourOf } from './demo/models.ts'
import { DEMO_PROVIDER, providerKinds, providerRow } from './providers/table.ts'

/** What the check of a configuration must be told about providers; `loadConfig` takes it. */
export const CONFIG_FACTS = {
  providerKinds,
  builtInProviders: [DEMO_PROVIDER],
  /** What a server over the network has is its own to say; what the demo has is known here. */
  mayHaveModel,
  providerFacts,
} as const

/** What a kind's row says that a configuration is held against. */
function providerFacts(kind: string): ProviderFacts | null {
  const row = providerRow(kind)
  if (row === null) return null
  const { settings, tokens, endpoints, baseUrl, baseUrlVariable } = row
  const needed = Object.entries(settings).filter(([, { fallback }]) => fallback === null)
  return {
    settings: Object.keys(settings),
    tokens,
    dialects: [...new Set(endpoints.map(({ dialect }) => dialect))],
    needs: [
      ...(baseUrl === null ? [{ key: 'base_url', variable: baseUrlVariable }] : []),
      ...needed.map(([key, { variable }]) => ({ key, variable })),
    ],
  }
}

/** False for a model that a provider of this kind is known not to have. */
export function mayHaveModel(kind: string, model: string): boolean {
  return kind !== DEMO_PROVIDER || behaviourOf(model) !== null
}
