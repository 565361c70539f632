/**
 * A seat is the row of cells in shared memory that a data worker has of its own for its life. So many workers need so
 * many of them: one each, and as many again, since all may be replaced at one moment, by workers that listen before they
 * go. Two more are for workers whose threads take long to end while others come and go.
 */
export function seatsFor(workers: number): number {
  return 2 * workers + 2
}

/** The lowest seat that is free. Throws when there is none: what a worker wrote beyond the last would be another's. */
export function freeSeat(taken: ReadonlySet<number>, count: number): number {
  for (let seat = 0; seat < count; seat++) if (!taken.has(seat)) return seat
  throw new Error(`${count} data workers have not ended yet, and there is no room for another`)
}
