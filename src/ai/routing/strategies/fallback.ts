import type { Strategy } from '../contract.ts'
import { weightedDraw } from './weighted-draw.ts'

/** Below 1, so that no draw reaches the next priority. */
const MOST = 1 - 2 ** -20

/** By priority; members of one priority at random by weight. */
export const fallback: Strategy = (draft, { random }) => {
  const { priorities, weights, positions, count } = draft
  draft.open()
  for (let place = 0; place < count; place++) {
    const at = positions[place] ?? 0
    const priority = priorities[at] ?? 0
    if (priority > draft.bar) continue
    const draw = weightedDraw(weights[at] ?? 0, random())
    draft.offer(at, priority + Math.min(draw / (1 + draw), MOST))
  }
  draft.close()
}
