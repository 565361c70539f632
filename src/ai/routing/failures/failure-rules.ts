import type { Outcome } from '../../../core/index.ts'
import type { FailureClass } from './failure-class.ts'

/** What a class of failures means for what follows: the table of docs/decisions/0011-routing.md. */
export interface FailureRule {
  /** Whether the same target may be asked again: never, after a while, or after a while when no other is left. */
  readonly again: 'never' | 'backoff' | 'last-resort'
  /** Which other targets may be asked. `larger`: those that are not known to take no more; `if-allowed`: where the model says so. */
  readonly others: 'none' | 'all' | 'larger' | 'if-allowed'
  /** What it says of the target's health. */
  readonly outcome: Outcome
  /** What is left alone for a while: the credential, whatever the model, or the target, which is one model with one credential. */
  readonly rests: 'nothing' | 'credential' | 'target'
  /** How long, where the upstream did not say; milliseconds. */
  readonly restMs: number
  /** That is doubled up to this while the attempt after each rest fails, too. */
  readonly mostRestMs: number
}

const STOP: FailureRule = {
  again: 'never',
  others: 'none',
  outcome: 'neutral',
  rests: 'nothing',
  restMs: 0,
  mostRestMs: 0,
}

export const FAILURE_RULES: Readonly<Record<FailureClass, FailureRule>> = {
  caller: STOP,
  context_length: { ...STOP, others: 'larger' },
  content_refused: { ...STOP, others: 'if-allowed' },
  throttled: {
    again: 'last-resort',
    others: 'all',
    outcome: 'neutral',
    rests: 'target',
    restMs: 1_000,
    mostRestMs: 30_000,
  },
  quota: {
    again: 'never',
    others: 'all',
    outcome: 'neutral',
    rests: 'credential',
    restMs: 60_000,
    mostRestMs: 300_000,
  },
  credential: {
    again: 'never',
    others: 'all',
    outcome: 'neutral',
    rests: 'credential',
    restMs: 60_000,
    mostRestMs: 300_000,
  },
  withdrawn: {
    again: 'never',
    others: 'all',
    outcome: 'neutral',
    rests: 'target',
    restMs: 60_000,
    mostRestMs: 300_000,
  },
  transient: { again: 'backoff', others: 'all', outcome: 'failure', rests: 'nothing', restMs: 0, mostRestMs: 0 },
  dead: { again: 'never', others: 'all', outcome: 'down', rests: 'nothing', restMs: 0, mostRestMs: 0 },
  ours: { ...STOP, others: 'all' },
  cancelled: STOP,
}
