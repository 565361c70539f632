import type { LevelRights } from '../ai/index.ts'
import { GATEWAY, type Membership } from '../governance/index.ts'
import type { Levels } from './levels.ts'

/** What the levels that a key is in say of models, from the narrowest to the widest; null: of a key in none. */
export function levelRights(levels: Levels, key: Membership | null): LevelRights[] {
  const names = key === null ? [] : levels.namesFor(key)
  return [...names, GATEWAY].map((name) => {
    const level = levels.all.find((each) => each.name === name)
    const { enabled = name === GATEWAY, modelsAllow: allow = null, modelsDeny: deny = [] } = level ?? {}
    return { name, enabled, allow, deny }
  })
}
