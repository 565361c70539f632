import { FIRST_ANSWERS_CELLS, firstAnswersSlot, RecentAnswers, type SharedState } from '../../../core/index.ts'
import { MODELS } from './target-memory.ts'

/**
 * How long a target took lately until there was something of an answer to pass on, over all threads: the first words of a
 * stream, or a whole answer.
 */
export class FirstAnswers {
  readonly streamed: RecentAnswers
  readonly whole: RecentAnswers

  /** `id`: of the target. */
  constructor({ cells, indexOf }: SharedState, id: string) {
    const index = indexOf(firstAnswersSlot(MODELS, id))
    this.streamed = new RecentAnswers(cells, index)
    this.whole = new RecentAnswers(cells, index + FIRST_ANSWERS_CELLS / 2)
  }
}
