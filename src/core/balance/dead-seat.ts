import type { Seat } from './contract.ts'
import type { SharedCells } from './shared-cells.ts'
import { SharedPlaces } from './shared-places.ts'
import { isPlacesSlot, isTargetSlot, placesOfTarget } from './slots.ts'
import { TargetState, targetCells } from './target-state.ts'

/** Forgets the requests that a thread which has died had in flight; `slots` are first words by their names. */
export function clearDeadSeat(cells: SharedCells, slots: Readonly<Record<string, number>>, seat: Seat): void {
  for (const [name, index] of Object.entries(slots)) {
    if (isTargetSlot(name)) {
      for (let place = 0; place < placesOfTarget(name); place++) {
        new TargetState(cells, index + place * targetCells(seat.of), seat).clearSeat(seat.number)
      }
    }
    if (isPlacesSlot(name)) new SharedPlaces(cells, index, seat).clearSeat(seat.number)
  }
}
