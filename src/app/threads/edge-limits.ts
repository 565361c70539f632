import type { ConfigDocument } from '../../config/index.ts'
import type { EdgeLimits } from '../../core/index.ts'

/** Bodies in memory at once, as a share of the worker's heap. */
const BODY_MEMORY_SHARE = 0.5

/** What one worker holds its clients to. */
export function edgeLimits({ limits, process }: ConfigDocument): EdgeLimits {
  return {
    bodyIdleMs: limits.body_idle,
    bodyMemoryBytes: Math.max(process.worker_memory * BODY_MEMORY_SHARE, limits.body * 2),
    head: { headBytes: limits.head, lineBytes: limits.line, headers: limits.headers },
  }
}
