import { type CounterDesk, type Intents, LeaseDesk, LeasedCounters, SharedCounters } from '../../governance/index.ts'
import { monotonicUs } from '../../lib/index.ts'
import { PROCESS_CELL } from '../memory.ts'
import type { DataWorkerStart } from '../messages.ts'

export interface WorkerDesk {
  readonly desk: CounterDesk
  /** Asks for more of what is borrowed; null: this gateway is alone. */
  readonly leases: LeaseDesk | null
}

export interface DeskCells {
  /** `SharedMemory.counters` and `SharedMemory.process`. */
  readonly counters: BigInt64Array
  readonly process: Int32Array
  readonly intents: Intents
}

/** The only desk of a worker: of counters of this machine alone, or of those that it borrows from. */
export function createCounterDesk(
  { seat, clusterPort }: Pick<DataWorkerStart, 'seat' | 'clusterPort'>,
  { counters, process, intents }: DeskCells,
): WorkerDesk {
  if (clusterPort === null) {
    return { desk: new SharedCounters(counters, { seat: seat.number, intents }), leases: null }
  }
  const cells = { cells: process, open: PROCESS_CELL.clusterOpen, untilMs: PROCESS_CELL.clusterUntilMs }
  const leases = new LeaseDesk(cells, () => monotonicUs() / 1_000)
  leases.connect(clusterPort)
  return { desk: new LeasedCounters(counters, { seat: seat.number, intents, desk: leases }), leases }
}
