import { CONNECTION_COUNT_CELLS, intentRegionCells } from '../governance/index.ts'
import { createCounters } from '../lib/index.ts'
import { createMetricsRow } from '../observability/index.ts'
import type { WorkerStart } from '../storage/index.ts'

/** Most keys that can exist at once; address space only, untouched pages cost nothing. */
export const MAX_KEYS = 1_048_576
/** Budget reservations that one turn of a worker's event loop may take. */
export const INTENT_CAPACITY = 8_192

/** Regions that all threads share for the life of the process. */
export interface SharedMemory {
  /** 64-bit cells: rate limits and budgets. */
  readonly counters: SharedArrayBuffer
  /** 32-bit cells: one generation per key. */
  readonly generations: SharedArrayBuffer
  /** 32-bit cells, see PROCESS_CELL. */
  readonly process: SharedArrayBuffer
  /** Connections by client address. */
  readonly connections: SharedArrayBuffer
}

/** Regions of one worker, for its own life; control reads them, also after its death. */
export interface WorkerMemory {
  /** 32-bit cells, see WORKER_CELL. */
  readonly status: SharedArrayBuffer
  readonly intents: SharedArrayBuffer
  readonly metrics: SharedArrayBuffer
  /** What it added to `SharedMemory.connections`. */
  readonly connections: SharedArrayBuffer
}

/** What a worker whose thread has ended left behind. */
export interface DeadWorkerMemory extends WorkerStart {
  readonly own: WorkerMemory
}

/** Cells of `SharedMemory.process`. */
export const PROCESS_CELL = {
  /** Bits of NOT_READY; 0 is ready. */
  notReady: 0,
  /** 1 while budgeted work is refused because the journal has grown past its limit. */
  journalFull: 1,
  /** 1 while what is borrowed of shared counters may be used. */
  clusterOpen: 2,
  /** Until when, in ms of `monotonicUs`, as 32 bits that wrap around. */
  clusterUntilMs: 3,
} as const

/** Why the process is not ready, as bits, with the words of `/readyz`. */
export const NOT_READY = {
  starting: 1,
  draining: 2,
  journal_full: 4,
  no_worker: 8,
  counter_store: 16,
} as const

/** Cells of `WorkerMemory.status`. */
export const WORKER_CELL = {
  /** Counts up while the worker's event loop turns. */
  heartbeat: 0,
  inFlight: 1,
  connections: 2,
} as const

export function createSharedMemory(): SharedMemory {
  return {
    counters: createCounters(),
    generations: new SharedArrayBuffer(MAX_KEYS * 4),
    process: new SharedArrayBuffer(64),
    connections: new SharedArrayBuffer(CONNECTION_COUNT_CELLS * 8),
  }
}

export function createWorkerMemory(): WorkerMemory {
  return {
    status: new SharedArrayBuffer(64),
    intents: new SharedArrayBuffer(intentRegionCells(INTENT_CAPACITY) * 8),
    metrics: createMetricsRow(),
    connections: new SharedArrayBuffer(CONNECTION_COUNT_CELLS * 4),
  }
}

/** Names of the reasons in a bit set. */
export function reasonsOf(bits: number): string[] {
  return Object.entries(NOT_READY).flatMap(([name, bit]) => ((bits & bit) === 0 ? [] : [name]))
}
