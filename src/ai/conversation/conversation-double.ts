import { fetchedMedia, keepFetched } from '../media/fetched-media.ts'
import type { Doubles } from '../routing/hedge/hedge-rule.ts'
import { conversationStateOf } from './conversation-state.ts'

/** Conversations may be sent twice at once. */
export const conversationDoubles: Doubles = {
  surfaceOf(x, purpose) {
    const state = conversationStateOf(x)
    if (state === null) throw new Error(`request ${x.id} is no conversation`)
    return state.again(purpose)
  },

  share(double, x) {
    const media = fetchedMedia(x)
    if (media !== null) keepFetched(double, media)
  },
}
