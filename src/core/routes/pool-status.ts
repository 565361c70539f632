import type { ConfigDocument } from '../../config/index.ts'
import { breakerOwner, breakerState } from '../balance/breaker.ts'
import { holderOf, POSITIONS } from '../balance/positions.ts'
import type { SharedCells } from '../balance/shared-cells.ts'
import { breakerSlot, positionName, positionsSlot, type SlotNeed, targetSlot } from '../balance/slots.ts'
import { TargetState } from '../balance/target-state.ts'
import { keepMs } from '../proxy/refreshed-targets.ts'
import { isRefreshed, targetIds } from './slots.ts'

/** What all workers together know of one target of a pool. */
export interface TargetStatus {
  readonly pool: string
  readonly target: string
  readonly inFlight: number
  /** Active checks say that it does not work. */
  readonly unhealthy: boolean
  readonly ejected: boolean
  /** Routes whose breaker for it is not closed. */
  readonly breakersOpen: number
}

/** Shared memory, for one who only looks. */
export interface PoolStatusSource {
  readonly cells: SharedCells
  readonly seats: number
  /** First word of a slot; null when there is none. */
  readonly find: (need: SlotNeed) => number | null
  readonly nowMs: number
}

/** Targets that are told of, over all pools. */
const MAX_TARGETS = 2_000

/** The targets of all pools of a document, as they are at this moment. */
export function poolStatus(
  document: Pick<ConfigDocument, 'routes' | 'upstreams'>,
  source: PoolStatusSource,
): readonly TargetStatus[] {
  const { cells, seats, find, nowMs } = source
  const found: TargetStatus[] = []
  for (const [pool, config] of Object.entries(document.upstreams)) {
    const routes = document.routes.filter(({ upstream }) => upstream === pool)
    for (const { target, slot, claim } of placesOf(pool, config, source)) {
      const index = find(targetSlot(pool, slot, seats))
      if (index === null || found.length >= MAX_TARGETS) continue
      const state = new TargetState(cells, index, { number: 0, of: seats })
      const open = routes.filter(({ id }) => {
        const at = find(breakerSlot(id, slot, seats))
        if (at === null || (claim !== null && breakerOwner(cells, at) !== claim)) return false
        return breakerState(cells, at, nowMs) !== 'closed'
      })
      found.push({
        pool,
        target,
        inFlight: state.inFlight,
        unhealthy: config.health !== undefined && state.unhealthy,
        ejected: config.ejection.failures > 0 && state.isEjected(nowMs),
        breakersOpen: open.length,
      })
    }
  }
  return found
}

interface Place {
  readonly target: string
  readonly slot: string
  readonly claim: bigint | null
}

function placesOf(pool: string, config: ConfigDocument['upstreams'][string], source: PoolStatusSource): Place[] {
  const { cells, find, nowMs } = source
  return targetIds(config).flatMap((id): Place[] => {
    if (!isRefreshed(config, id)) return [{ target: id, slot: id, claim: null }]
    const index = find(positionsSlot(pool, id))
    if (index === null) return []
    return Array.from({ length: POSITIONS }, (_, position): Place[] => {
      const holder = holderOf(cells, { index, position }, nowMs - keepMs(config.dns_refresh ?? 0))
      if (holder === null) return []
      const target = holder.address === '' ? id : `${id}#${holder.address}`
      return [{ target, slot: positionName(id, position), claim: holder.claim }]
    }).flat()
  })
}
