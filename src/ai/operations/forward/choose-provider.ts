import { type Exchange, GatewayError } from '../../../core/index.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import type { ProviderUpstream } from '../../providers/upstreams.ts'

/** The provider that a request names by a header; null when it names none. */
export function namedProvider(x: Exchange): string | null {
  return x.head.get('x-ferro-provider') ?? x.head.get('x-provider')
}

/** The provider of this name, or what to tell the client. */
export function providerOf(registry: ModelRegistry, name: string): ProviderUpstream | GatewayError {
  const provider = registry.provider(name)
  if (provider !== null) return provider
  return new GatewayError('not_found', `There is no provider "${name.slice(0, 64)}" here.`, {
    param: 'x-ferro-provider',
  })
}

/** The only one of these names; null when there are none, or several to choose from. */
export function onlyOf(names: readonly string[]): string | null {
  return names.length === 1 ? (names[0] ?? null) : null
}
