import type { Exchange } from '../../core/index.ts'
import type { FetchedMedia } from '../dialects/media-addresses.ts'

const fetched = new WeakMap<Exchange, FetchedMedia>()

/** What was fetched for a request; null when nothing was asked for yet. */
export function fetchedMedia(x: Exchange): FetchedMedia | null {
  return fetched.get(x) ?? null
}

/** Every further preparation of the request has these bytes. */
export function keepFetched(x: Exchange, media: FetchedMedia): void {
  fetched.set(x, media)
}
