import type { ConfigDocument } from '../config/index.ts'
import { compileGlob } from '../lib/index.ts'
import type { StoredLevelKind } from '../storage/index.ts'

const SECTIONS = {
  organization: 'organizations',
  team: 'teams',
  project: 'projects',
  user: 'users',
  key: 'keys',
} as const

/** Whether policies make an exception for a level or a key of this name, or models are kept for it: whoever has it gets more. */
export function isNamed(
  { policies, models }: Pick<ConfigDocument, 'policies' | 'models'>,
  kind: StoredLevelKind | 'key',
  id: string,
): boolean {
  const excepted = policies.flatMap(({ except }) => except?.[SECTIONS[kind]] ?? [])
  if (excepted.some((pattern) => compileGlob(pattern)(id))) return true
  const patterns = Object.values(models).flatMap(({ targets }) =>
    targets.flatMap(({ visible_to: keptFor = [] }) => keptFor),
  )
  return patterns.some((pattern) => pattern !== '*' && compileGlob(pattern)(`${kind}:${id}`))
}
