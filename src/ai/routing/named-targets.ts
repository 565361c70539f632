import type { ConfigDocument } from '../../config/index.ts'

/** Ids of the targets that entries name by their model, as `RoutingTarget` has them: each has a memory of its own. */
export function namedTargets({ models, providers }: Pick<ConfigDocument, 'models' | 'providers'>): ReadonlySet<string> {
  const found = new Set<string>()
  for (const { targets, canary, shadow } of Object.values(models)) {
    for (const { provider, model, credential } of targets) {
      if (provider === undefined || model === undefined) continue
      const all = providers[provider]?.credentials ?? []
      const several = all.length < 2 ? [undefined] : all.map(({ name }, index) => name ?? String(index + 1))
      for (const name of credential === undefined ? several : [credential]) found.add(idOf(provider, model, name))
    }
    for (const side of [canary, shadow]) {
      if (side !== undefined) found.add(idOf(side.target.provider, side.target.model, side.target.credential))
    }
  }
  return found
}

function idOf(provider: string, model: string, credential: string | undefined): string {
  return `${provider}/${model}${credential === undefined ? '' : `#${credential}`}`
}
