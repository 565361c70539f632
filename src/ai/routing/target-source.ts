import type { ModelConfig, TargetConfig } from '../../config/index.ts'
import type { ModelTarget } from '../models/target.ts'

/** What a target is made of. */
export interface TargetSpec {
  readonly provider: string
  readonly model: string
  /** Name of the only credential that is used; null: the provider has one. */
  readonly credential: string | null
  /** What its metrics are called: few, so that clients cannot make series. */
  readonly label: string
  /** Where it stands in the configuration, for the name of its price rule. */
  readonly owner: string
  readonly target: TargetConfig | undefined
  /** The entry that it stands in. */
  readonly named: ModelConfig | undefined
}

/** Where targets come from. */
export interface TargetSource {
  make(spec: TargetSpec): ModelTarget
  /** The credentials of a provider, by name and weight; empty where it has one, which has no name. */
  credentials(provider: string): readonly { readonly name: string; readonly weight: number }[]
  /** False for a model that the provider is known not to have. */
  mayHave(provider: string, model: string): boolean
}
