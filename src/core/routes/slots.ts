import { isIP } from 'node:net'
import type { ConfigDocument, UpstreamConfig } from '../../config/index.ts'
import { positionNames, positionsSlot, type SlotNeed, tellerSlot } from '../balance/slots.ts'
import { poolSlots } from '../proxy/upstream-pool.ts'
import { routeSlots } from './proxy-handler.ts'

/** Names of a pool's targets: their origins, as slots, logs and metrics call them. */
export function targetIds(pool: UpstreamConfig): string[] {
  return pool.targets.map(({ url }) => (url.startsWith('unix:') ? url : new URL(url).origin))
}

/** Whether every address that a target's name has is a target of its own. */
export function isRefreshed(pool: UpstreamConfig, target: string): boolean {
  if (pool.dns_refresh === undefined || target.startsWith('unix:')) return false
  return isIP(new URL(target).hostname.replace(/^\[|\]$/g, '')) === 0
}

/** What the slots of a pool's targets are called by. */
function slotNames(pool: UpstreamConfig): string[] {
  return targetIds(pool).flatMap((id) => (isRefreshed(pool, id) ? positionNames(id) : [id]))
}

/** All slots of shared memory that routes and pools of a document need. */
export function routeSlotNeeds(document: Pick<ConfigDocument, 'routes' | 'upstreams'>, seats: number): SlotNeed[] {
  const pools = Object.entries(document.upstreams)
  return [
    ...pools.flatMap(([name, pool]) => [
      ...poolSlots(name, slotNames(pool), seats),
      ...targetIds(pool)
        .filter((id) => isRefreshed(pool, id))
        .flatMap((id) => [positionsSlot(name, id), tellerSlot(name, id)]),
    ]),
    ...document.routes.flatMap((route) => {
      const pool = route.upstream === undefined ? undefined : document.upstreams[route.upstream]
      return pool === undefined ? [] : routeSlots(route, slotNames(pool), seats)
    }),
  ]
}
