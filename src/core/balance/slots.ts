import { breakerCells } from './breaker.ts'
import { RETRY_BUDGET_CELLS } from './retry-budget.ts'
import { LEASE_CELLS } from './shared-lease.ts'
import { targetCells } from './target-state.ts'

/** A slot to ask of the SlotAllocator. */
export interface SlotNeed {
  readonly name: string
  readonly cells: number
}

/*
 * The names are what survives a reload: the same pool, route and target find their state again, also when others come
 * and go or the order changes. Names of pools and routes hold no line break, so that no two lists give one name.
 */
function nameOf(...parts: readonly string[]): string {
  return parts.join('\n')
}

/** What is known of a target in a pool: health, ejection, requests in flight. */
export function targetSlot(pool: string, target: string, seats: number): SlotNeed {
  return { name: nameOf('balance.target', pool, target), cells: targetCells(seats) }
}

/** The lease of a pool's health monitor. */
export function monitorSlot(pool: string): SlotNeed {
  return { name: nameOf('balance.monitor', pool), cells: LEASE_CELLS }
}

/** The breaker of a target for one route. */
export function breakerSlot(route: string, target: string, seats: number): SlotNeed {
  return { name: nameOf('balance.breaker', route, target), cells: breakerCells(seats) }
}

/** The retry budget of a route. */
export function retryBudgetSlot(route: string): SlotNeed {
  return { name: nameOf('balance.retries', route), cells: RETRY_BUDGET_CELLS }
}
