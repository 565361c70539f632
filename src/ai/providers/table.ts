import { type ProviderRow, row } from './provider-row.ts'
import { CLOUDS } from './rows/clouds.ts'
import { HOSTS } from './rows/hosts.ts'
import { SERVERS } from './rows/servers.ts'
import { VENDORS } from './rows/vendors.ts'

/** The kind of the demo provider, and the name of the built-in one; always there. Others of its kind have their own. */
export const DEMO_PROVIDER = 'demo'

/** Every kind that a provider can be. */
export const PROVIDERS: readonly ProviderRow[] = [
  ...VENDORS,
  ...HOSTS,
  ...CLOUDS,
  ...SERVERS,
  row(DEMO_PROVIDER, 'demo:', null, { key: 'none', family: 'openai', discovery: null }),
]

const BY_KIND = new Map(PROVIDERS.map((provider) => [provider.kind, provider]))

/** Names of all kinds, for the check of a configuration. */
export const providerKinds: readonly string[] = PROVIDERS.map((provider) => provider.kind)

/** The row of a kind, or null. */
export function providerRow(kind: string): ProviderRow | null {
  return BY_KIND.get(kind) ?? null
}
