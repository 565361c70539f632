import type { ConfigDocument } from '../../config/index.ts'
import type { DialectName } from '../dialects/name.ts'
import { providerRow } from './table.ts'

/** The dialects that upstreams of a configuration may be spoken to in. */
export function dialectsOf({ providers }: ConfigDocument): readonly DialectName[] {
  return Object.values(providers).flatMap(({ kind, dialects }) => {
    const endpoints = providerRow(kind)?.endpoints ?? []
    const chosen = endpoints.filter(({ optional, dialect }) => dialects?.includes(dialect) ?? optional !== true)
    return chosen.map(({ dialect }) => dialect)
  })
}
