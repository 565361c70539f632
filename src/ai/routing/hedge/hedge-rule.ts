import type { Exchange } from '../../../core/index.ts'
import type { AttemptTarget } from '../attempt-target.ts'
import type { AnswerKind } from '../contract.ts'

/** When a second attempt begins: after so long, or after as long as this share of a target's answers takes. */
export type HedgeDelay = { readonly ms: number } | { readonly share: number }

/** How a second attempt ended that was begun because the first was slow. */
export type HedgeResult = 'won' | 'lost' | 'failed'

/** How requests of one surface are sent twice at once. */
export interface Doubles {
  /** What belongs to the surface, for a double of the request. `unheard`: nobody will ever see its answer. */
  surfaceOf(x: Exchange, purpose: 'answer' | 'unheard'): unknown
  /** What the request has elsewhere is its double's, too. */
  share(double: Exchange, x: Exchange): void
}

/** What the hedges of a group's requests need; made with the plan. */
export interface HedgeRule {
  /** Milliseconds that an attempt may take before another one begins; null while too little is known of the target. */
  afterMs(target: AttemptTarget, kind: AnswerKind): number | null
  readonly doubles: Doubles
  count(result: HedgeResult): void
}

/** So many answers of a target must have been timed before a share of them says something. */
const FEWEST_ANSWERS = 20

/** The delay for one target. */
export function delayFor(delay: HedgeDelay, { memory }: AttemptTarget, kind: AnswerKind): number | null {
  if ('ms' in delay) return delay.ms
  const answers = memory?.answers(kind) ?? null
  if (answers === null || answers.timed < FEWEST_ANSWERS) return null
  return answers.withinMs(delay.share)
}
