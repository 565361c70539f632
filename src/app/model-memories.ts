import type { ConfigDocument, TargetConfig } from '../config/index.ts'
import { placesForNames } from '../core/index.ts'

/** A provider that is always there. */
const BUILT_IN = 'demo'
/** Stands for all models of a provider that no entry names. */
const UNNAMED = '*'

/** What workers learn together of one model of one provider with one credential, whatever entries name it. */
export interface ModelMemory {
  /** `provider/model`, with `#credential` where there are several. */
  readonly id: string
  /** `provider`, or `provider#credential`. */
  readonly credentialId: string
  readonly provider: string
  /** `*`: of all names that no entry has. */
  readonly model: string
  /** Name of the credential; null where the provider has one. */
  readonly credential: string | null
  /** In how many places names share it that no entry has; 1 for all others. */
  readonly places: number
  /** Some entry says how many requests it has at a time. */
  readonly isBounded: boolean
}

type Document = Pick<ConfigDocument, 'providers' | 'models'>

/** Every one of a document, once. */
export function memoriesOf(document: Document): readonly ModelMemory[] {
  const found = new Map<string, ModelMemory>()
  const add = (memory: ModelMemory) => {
    const known = found.get(memory.id)
    found.set(memory.id, { ...memory, isBounded: memory.isBounded || known?.isBounded === true })
  }
  for (const provider of [BUILT_IN, ...Object.keys(document.providers)]) {
    for (const memory of withCredentials(document, { provider })) add(memory)
  }
  for (const { targets, canary, shadow } of Object.values(document.models)) {
    for (const target of targets) for (const memory of memoriesOfTarget(document, target)) add(memory)
    for (const side of [canary, shadow]) {
      if (side === undefined) continue
      // Without a credential's name it has all of its provider in turn.
      const { provider, model, credential = null } = side.target
      add(memoryOf({ provider, model, credential }))
    }
  }
  return [...found.values()]
}

/** Those of one target: one for each credential that it may use; none for a group. */
export function memoriesOfTarget(document: Document, target: TargetConfig): readonly ModelMemory[] {
  const { provider, model, credential, concurrency } = target
  if (provider === undefined) return []
  return withCredentials(document, { provider, model, credential, isBounded: concurrency !== undefined })
}

interface Named {
  readonly provider: string
  readonly model?: string | undefined
  readonly credential?: string | undefined
  readonly isBounded?: boolean
}

function withCredentials(document: Document, { provider, model, credential, isBounded = false }: Named): ModelMemory[] {
  const all = document.providers[provider]?.credentials ?? []
  const several = all.length < 2 ? [null] : all.map(({ name }, index) => name ?? String(index + 1))
  const names = credential === undefined ? several : [credential]
  const places = model === undefined ? placesForNames(all.length) : 1
  return names.map((name) => ({
    ...memoryOf({ provider, model: model ?? UNNAMED, credential: name }),
    places,
    isBounded,
  }))
}

function memoryOf(named: Pick<ModelMemory, 'provider' | 'model' | 'credential'>): ModelMemory {
  const { provider, model, credential } = named
  const suffix = credential === null ? '' : `#${credential}`
  return {
    ...named,
    id: `${provider}/${model}${suffix}`,
    credentialId: `${provider}${suffix}`,
    places: 1,
    isBounded: false,
  }
}
