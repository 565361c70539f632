import type { Strategy } from '../contract.ts'
import { offerDraw } from './weighted-draw.ts'

/** At random by weight, and those left again by weight. */
export const weighted: Strategy = (draft, { random }) => {
  const { positions, count } = draft
  draft.open()
  for (let place = 0; place < count; place++) offerDraw(draft, positions[place] ?? 0, random())
  draft.close()
}
