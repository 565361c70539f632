import { availableParallelism } from 'node:os'
import type { ConfigDocument } from '../config/index.ts'

/** How many data workers serve a document on this machine. */
export function workerCount({ workers }: Pick<ConfigDocument, 'workers'>): number {
  if (!canShare()) return 1
  return workers === 'auto' ? Math.max(1, Math.min(8, availableParallelism() - 1)) : workers
}

/** Whether the system balances connections over several listeners of one port; elsewhere one worker serves. */
export function canShare(): boolean {
  return process.platform === 'linux'
}
