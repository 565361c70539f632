import type { ConfigDocument } from '../config/index.ts'
import { routeSlotNeeds } from '../core/index.ts'
import { routeLimitSlots } from '../governance/index.ts'
import type { SlotAllocator } from '../lib/index.ts'
import { SEATS } from './memory.ts'

/** First words of slots in shared memory, by name. */
export type SlotIndexes = Readonly<Record<string, number>>

/**
 * The slots of shared memory in which workers agree on pools and routes. The same names give the same slots, so that a
 * reload forgets nothing. Names that a new document no longer has keep theirs: a request of the old plan may still
 * write there.
 */
export function takeRouteSlots(
  slots: SlotAllocator,
  document: Pick<ConfigDocument, 'routes' | 'upstreams'>,
): SlotIndexes {
  const needs = [...routeSlotNeeds(document, SEATS), ...document.routes.flatMap(routeLimitSlots)]
  return Object.fromEntries(needs.map(({ name, cells }) => [name, slots.allocate(name, cells)]))
}
