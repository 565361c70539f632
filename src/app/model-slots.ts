import type { ConfigDocument } from '../config/index.ts'
import {
  breakerSlot,
  firstAnswersSlot,
  recentAnswersSlot,
  restsSlot,
  retryBudgetSlot,
  type SlotNeed,
  shadowsSlot,
  targetSlot,
  trialSlot,
} from '../core/index.ts'

/** What slots of models' targets are called by; as in the module of models, which the control thread does not load. */
const MODELS = 'models'
/** A provider that is always there. */
const BUILT_IN = 'demo'
/** Stands for all models of a provider that no entry names. */
const UNNAMED = '*'

/** Slots of shared memory in which workers agree on what they know of models' targets. */
export function modelSlotNeeds(document: Pick<ConfigDocument, 'providers' | 'models'>, seats: number): SlotNeed[] {
  const { targets, credentials, timed } = namesOf(document)
  return [
    retryBudgetSlot(MODELS),
    ...[...targets].flatMap((id) => [
      recentAnswersSlot(MODELS, id),
      targetSlot(MODELS, id, seats),
      breakerSlot(MODELS, id, seats),
      restsSlot(MODELS, id, 1),
    ]),
    ...[...timed].map((id) => firstAnswersSlot(MODELS, id)),
    ...Object.entries(document.models).flatMap(([name, { canary, shadow }]) => [
      ...(canary === undefined ? [] : [trialSlot(name, JSON.stringify(canary))]),
      ...(shadow === undefined ? [] : [shadowsSlot(MODELS, name, seats)]),
    ]),
    ...[...credentials].map((id) => restsSlot(MODELS, id, 1)),
  ]
}

function namesOf({ providers, models }: Pick<ConfigDocument, 'providers' | 'models'>) {
  const targets = new Set<string>()
  const credentials = new Set<string>()
  const suffixesOf = (provider: string, only: string | undefined): string[] => {
    if (only !== undefined) return [`#${only}`]
    const all = providers[provider]?.credentials ?? []
    return all.length < 2 ? [''] : all.map(({ name }, index) => `#${name ?? index + 1}`)
  }
  const timed = new Set<string>()
  const add = (provider: string, model: string, only: string | undefined, isTimed: boolean) => {
    for (const suffix of suffixesOf(provider, only)) {
      if (isTimed) timed.add(`${provider}/${model}${suffix}`)
      targets.add(`${provider}/${model}${suffix}`)
      credentials.add(`${provider}${suffix}`)
    }
  }
  for (const provider of [BUILT_IN, ...Object.keys(providers)]) add(provider, UNNAMED, undefined, false)
  const hedged = hedgedByShare(models)
  for (const [name, { canary, shadow }] of Object.entries(models)) {
    for (const side of [canary, shadow]) {
      if (side === undefined) continue
      // Without a credential's name it has all of its provider in turn.
      const { provider, model, credential } = side.target
      const suffix = credential === undefined ? '' : `#${credential}`
      targets.add(`${provider}/${model}${suffix}`)
      credentials.add(`${provider}${suffix}`)
      if (hedged.has(name)) timed.add(`${provider}/${model}${suffix}`)
    }
  }
  for (const [name, { targets: listed }] of Object.entries(models)) {
    for (const { provider, model, credential } of listed) {
      if (provider !== undefined) add(provider, model ?? UNNAMED, credential, hedged.has(name))
    }
  }
  return { targets, credentials, timed }
}

/** Models whose targets are hedged by how fast they answer, and those that are groups of them. */
function hedgedByShare(models: ConfigDocument['models']): ReadonlySet<string> {
  const found = new Set<string>()
  const add = (name: string) => {
    if (found.has(name)) return
    found.add(name)
    for (const { group } of models[name]?.targets ?? []) if (group !== undefined) add(group)
  }
  for (const [name, { hedge }] of Object.entries(models)) if (hedge !== undefined && 'share' in hedge.after) add(name)
  return found
}
