import { breakerCells } from './breaker.ts'
import { POSITION_CELLS, POSITIONS } from './positions.ts'
import { RECENT_ANSWERS_CELLS } from './recent-answers.ts'
import { restsCells } from './rests.ts'
import { RETRY_BUDGET_CELLS } from './retry-budget.ts'
import { LEASE_CELLS } from './shared-lease.ts'
import { placesCells } from './shared-places.ts'
import { targetCells } from './target-state.ts'
import { TRIAL_CELLS } from './trial.ts'

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

/** The same for several beside each other: the places that names share which nobody knows beforehand. */
export function inPlaces({ name, cells }: SlotNeed, places: number): SlotNeed {
  return places === 1 ? { name, cells } : { name: nameOf(name, String(places)), cells: cells * places }
}

/** How many places a slot of `targetSlot` has. */
export function placesOfTarget(name: string): number {
  const [, , , places = '1'] = name.split('\n')
  return Number(places)
}

const TARGET = 'balance.target'

/** What is known of a target in a pool: health, ejection, requests in flight. */
export function targetSlot(pool: string, target: string, seats: number): SlotNeed {
  return { name: nameOf(TARGET, pool, target), cells: targetCells(seats) }
}

/** How many copies of a target's requests are on their way to another. */
export function shadowsSlot(pool: string, name: string, seats: number): SlotNeed {
  return targetSlot(pool, `shadows of ${name}`, seats)
}

/** Whether a slot of this name is one of `targetSlot`. */
export function isTargetSlot(name: string): boolean {
  return name.startsWith(`${TARGET}\n`)
}

const PLACES = 'balance.places'

/** The requests that a target is given at a time, and those that wait. */
export function placesSlot(pool: string, target: string, seats: number): SlotNeed {
  return { name: nameOf(PLACES, pool, target), cells: placesCells(seats) }
}

/** Whether a slot of this name is one of `placesSlot`. */
export function isPlacesSlot(name: string): boolean {
  return name.startsWith(`${PLACES}\n`)
}

/** Which address of a name has which position. */
export function positionsSlot(pool: string, target: string): SlotNeed {
  return { name: nameOf('balance.positions', pool, target), cells: POSITION_CELLS }
}

/** What the slots of a position are called by, in the place of a target's name. */
export function positionName(target: string, position: number): string {
  return `${target}#${position}`
}

/** What the slots of all positions of a name are called by. */
export function positionNames(target: string): string[] {
  return Array.from({ length: POSITIONS }, (_, position) => positionName(target, position))
}

/** The lease of who tells that the addresses of a name have changed. */
export function tellerSlot(pool: string, target: string): SlotNeed {
  return { name: nameOf('balance.teller', pool, target), cells: LEASE_CELLS }
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

/** How fast and how well a target answered lately: `RecentAnswers` of whole answers, and behind them those of streams. */
export function recentAnswersSlot(pool: string, target: string): SlotNeed {
  return { name: nameOf('balance.recent', pool, target), cells: RECENT_ANSWERS_CELLS * 2 }
}

/** A trial of a target; `settings` as text: others are another trial, which begins anew. */
export function trialSlot(name: string, settings: string): SlotNeed {
  return { name: nameOf('balance.trial', name, settings), cells: TRIAL_CELLS }
}

/** Which places of a target rest, and until when. */
export function restsSlot(pool: string, target: string, places: number): SlotNeed {
  return { name: nameOf('balance.rests', pool, target, String(places)), cells: restsCells(places) }
}
