import type { EndState, Exchange, Failure } from '../../core/index.ts'

/** How an answer ended: whole, cut by us or by the client, or by what the upstream did. */
export type AnswerEnding = 'whole' | 'cut' | 'failed'

const LEFT: ReadonlySet<Failure> = new Set(['first_byte_timeout', 'idle_timeout', 'total_timeout', 'overtaken'])
const CUT: ReadonlySet<EndState> = new Set(['cancelled', 'timeout', 'drained'])

/** Of a request that has ended. */
export function endingOf(x: Exchange): AnswerEnding {
  if (x.end === 'success') return 'whole'
  return x.cancelled || CUT.has(x.end) ? 'cut' : 'failed'
}

/** Of an attempt that gives way: one that was waited for in vain, or no longer, may have been worked on. */
export function endingOfAttempt(failure: Failure | null): AnswerEnding {
  return failure !== null && LEFT.has(failure) ? 'cut' : 'failed'
}
