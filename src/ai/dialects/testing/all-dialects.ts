import type { ClientDialect, UpstreamDialect } from '../dialect.ts'
import type { DialectName } from '../name.ts'
import { DIALECT_NAMES, dialectOf, loadDialects } from '../tables.ts'

await loadDialects(DIALECT_NAMES)

/** Every dialect as upstreams speak it. */
export const UPSTREAM_DIALECTS: Readonly<Partial<Record<DialectName, UpstreamDialect>>> = Object.fromEntries(
  DIALECT_NAMES.flatMap((name) => {
    const { upstream } = dialectOf(name)
    return upstream === undefined ? [] : [[name, upstream]]
  }),
)

/** Every dialect that clients hold conversations in. */
export const CLIENT_DIALECTS: Readonly<Partial<Record<DialectName, ClientDialect>>> = Object.fromEntries(
  DIALECT_NAMES.flatMap((name) => {
    const { client } = dialectOf(name)
    return client === undefined ? [] : [[name, client]]
  }),
)
