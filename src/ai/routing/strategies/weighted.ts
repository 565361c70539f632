import type { Strategy } from '../contract.ts'
import { weightedDraw } from './weighted-draw.ts'

/** At random by weight, and those left again by weight. */
export const weighted: Strategy = (draft, { random }) => {
  const { positions, weights, scores, count } = draft
  for (let place = 0; place < count; place++) {
    const at = positions[place] ?? 0
    scores[at] = weightedDraw(weights[at] ?? 0, random())
  }
  draft.sort()
}
