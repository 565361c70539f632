import type { Strategy } from '../contract.ts'

/** The first member, and no other. */
export const single: Strategy = (draft) => {
  draft.count = Math.min(draft.count, 1)
}
