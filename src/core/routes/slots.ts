import type { ConfigDocument, UpstreamConfig } from '../../config/index.ts'
import type { SlotNeed } from '../balance/slots.ts'
import { poolSlots } from '../proxy/upstream-pool.ts'
import { routeSlots } from './proxy-handler.ts'

/** Names of a pool's targets: their origins, as slots, logs and metrics call them. */
export function targetIds(pool: UpstreamConfig): string[] {
  return pool.targets.map(({ url }) => (url.startsWith('unix:') ? url : new URL(url).origin))
}

/** All slots of shared memory that routes and pools of a document need. */
export function routeSlotNeeds(document: Pick<ConfigDocument, 'routes' | 'upstreams'>, seats: number): SlotNeed[] {
  const pools = Object.entries(document.upstreams)
  return [
    ...pools.flatMap(([name, pool]) => poolSlots(name, targetIds(pool), seats)),
    ...document.routes.flatMap((route) => {
      const pool = route.upstream === undefined ? undefined : document.upstreams[route.upstream]
      return pool === undefined ? [] : routeSlots(route, targetIds(pool), seats)
    }),
  ]
}
