import { type ConfigDocument, resolveReference } from '../../config/index.ts'
import {
  type AuthParts,
  createTokenPrincipals,
  type LevelTable,
  levelsOf,
  type Membership,
  membershipProblem,
  type OutsideRules,
  type PrincipalSource,
  ServicePrincipals,
} from '../../governance/index.ts'

export interface SourceParts extends Pick<AuthParts, 'connect' | 'warn' | 'memory'> {
  readonly levels: LevelTable
}

/** Who knows holders of credentials that are no keys, in the order in which they are asked. */
export function principalSources(document: ConfigDocument, parts: SourceParts): readonly PrincipalSource[] {
  const { jwt, service } = document.identity
  if (jwt.length === 0 && service === undefined) return []
  const { levels } = parts
  const parentsOf = (name: string) => levels.parentsOf(name)
  const rulesFor = (unknownLevels: OutsideRules['unknownLevels']): OutsideRules => ({
    levels,
    levelsOf: (membership: Membership) => levelsOf(membership, parentsOf),
    contradiction: (membership: Membership) => membershipProblem(membership, parentsOf)?.message ?? null,
    unknownLevels,
  })
  const tokens = createTokenPrincipals({ jwt }, parts, rulesFor)
  if (service === undefined) return tokens === null ? [] : [tokens]
  const rules = rulesFor(service.unknown_levels)
  const others = new ServicePrincipals(service, { ...parts, token: tokenOf(service.token) }, rules)
  return tokens === null ? [others] : [tokens, others]
}

/** Throws an Error for a reference that leads nowhere. */
function tokenOf(reference: string | undefined): string | null {
  if (reference === undefined) return null
  const resolved = resolveReference(reference, process.env)
  if (resolved.ok) return resolved.secret.reveal()
  throw new Error(`identity.service.token: ${resolved.missing}`)
}
