import type { LevelRights } from '../ai/index.ts'
import { GATEWAY } from '../governance/index.ts'
import { Levels, type LevelsDocument, type Membership } from './levels.ts'

/** What the levels of a document that a key is in say of models, from the narrowest to the widest; null: of a key in none. */
export function levelRights(document: LevelsDocument, key: Membership | null): LevelRights[] {
  const levels = new Levels(document)
  const names = key === null ? [] : levels.namesFor(key)
  return [...names, GATEWAY].map((name) => {
    const level = levels.all.find((each) => each.name === name)
    const { enabled = name === GATEWAY, modelsAllow: allow = null, modelsDeny: deny = [] } = level ?? {}
    return { name, enabled, allow, deny }
  })
}
