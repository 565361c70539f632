/**
 * The composition root: the only place that knows the whole. It starts the threads, connects modules to each other,
 * swaps plans, watches workers, drains and stops. No decision about a request is made here. Start reading at
 * `control-thread.ts` (the control thread: what comes up and down when), `control-parts.ts` (its parts, and which tells which) and
 * `threads/data-worker.ts` (the data plane of one thread).
 */
export { DatabaseLevels } from './database-levels.ts'
export { enterAdjustment, refusedAdjustment } from './ledger-adjustments.ts'
export { levelRights } from './level-rights.ts'
export { Levels } from './levels.ts'
export type { RunningGateway, StartOptions } from './running-gateway.ts'
export { startGateway } from './start.ts'
export { StartError } from './start-error.ts'
export { startErrors } from './start-errors.ts'
