import { Exchange, type Principal } from './exchange.ts'
import type { Gateway } from './gateway.ts'
import { beginAtInspect } from './handle.ts'
import { RequestHead } from './http1/request-head.ts'
import type { Route } from './phases.ts'
import { UnheardClient } from './unheard-client.ts'

export interface OwnRequest {
  readonly route: Route
  /** For whom it is made; null: nobody. */
  readonly principal: Principal | null
  /** As records have it. */
  readonly path: string
  /** Belongs to the surface of the route. */
  readonly surface: unknown
}

/**
 * Begins a request that no client has sent: it is neither identified nor admitted, goes through the phases from `inspect` on, and
 * leaves what any other leaves. Only the route's hooks hear of its answer. Never throws.
 */
export function beginOwnRequest(gateway: Gateway, { route, principal, path, surface }: OwnRequest): Exchange {
  const client = new UnheardClient({ address: null, listener: '', scheme: 'http' }, null)
  const x = new Exchange(gateway, gateway.plan, client, new RequestHead('GET', path), path, '')
  x.route = route
  x.principal = principal
  x.surface = surface
  gateway.begin(x)
  beginAtInspect(x)
  return x
}
