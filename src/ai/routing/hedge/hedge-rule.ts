import type { Exchange } from '../../../core/index.ts'
import type { AttemptTarget } from '../attempt-target.ts'

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
  afterMs(target: AttemptTarget, isStream: boolean): number | null
  /** An attempt of the request gave an answer after so long, or would not have before. */
  time(target: AttemptTarget, x: Exchange, ms: number): void
  readonly doubles: Doubles
  count(result: HedgeResult): void
}

/** So many answers of a target must have been timed before a share of them says something. */
const FEWEST_ANSWERS = 20

/** The delay for one target. */
export function delayFor(delay: HedgeDelay, { firstAnswers }: AttemptTarget, isStream: boolean): number | null {
  if ('ms' in delay) return delay.ms
  const answers = isStream ? firstAnswers?.streamed : firstAnswers?.whole
  if (answers === undefined || answers.timed < FEWEST_ANSWERS) return null
  return answers.withinMs(delay.share)
}
