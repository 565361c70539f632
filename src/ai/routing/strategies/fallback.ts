import type { Strategy } from '../contract.ts'
import { weightedDraw } from './weighted-draw.ts'

/** Below 1, so that no draw reaches the next priority. */
const MOST = 1 - 2 ** -20

/** By priority; members of one priority at random by weight. */
export const fallback: Strategy = (draft, { random }) => {
  const { members, positions, scores, count } = draft
  for (let place = 0; place < count; place++) {
    const at = positions[place] ?? 0
    const { priority = 0, weight = 1 } = members[at] ?? {}
    const draw = weightedDraw(weight, random())
    scores[at] = priority + Math.min(draw / (1 + draw), MOST)
  }
  draft.sort()
}
