import type { Seat } from './contract.ts'
import type { SharedCells } from './shared-cells.ts'
import { SharedPlaces } from './shared-places.ts'
import { isPlacesSlot, isTargetSlot } from './slots.ts'
import { TargetState } from './target-state.ts'

/** Forgets the requests that a thread which has died had in flight; `slots` are first words by their names. */
export function clearDeadSeat(cells: SharedCells, slots: Readonly<Record<string, number>>, seat: Seat): void {
  for (const [name, index] of Object.entries(slots)) {
    if (isTargetSlot(name)) new TargetState(cells, index, seat).clearSeat(seat.number)
    if (isPlacesSlot(name)) new SharedPlaces(cells, index, seat).clearSeat(seat.number)
  }
}
