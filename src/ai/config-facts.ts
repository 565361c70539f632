import { behaviourOf } from './demo/index.ts'
import { DEMO_PROVIDER, providerKinds } from './providers/table.ts'

/** What the check of a configuration must be told about providers; `loadConfig` takes it. */
export const CONFIG_FACTS = {
  providerKinds,
  builtInProviders: [DEMO_PROVIDER],
  /** What a server over the network has is its own to say; what the demo has is known here. */
  mayHaveModel,
} as const

/** False for a model that a provider of this kind is known not to have. */
export function mayHaveModel(kind: string, model: string): boolean {
  return kind !== DEMO_PROVIDER || behaviourOf(model) !== null
}
