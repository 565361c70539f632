import { ControlError } from './errors.ts'

const DEFAULT_PAGE = 100
export const MAX_PAGE = 1000

/** The parameter `limit`. */
export function pageSize(text: string | undefined): number {
  if (text === undefined) return DEFAULT_PAGE
  const size = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (size >= 1 && size <= MAX_PAGE) return size
  throw new ControlError('invalid_request', `limit: expected a whole number from 1 to ${MAX_PAGE}.`, { param: 'limit' })
}

/** The longest id of a key or a level. */
const MAX_CURSOR = 64

/** The parameter `cursor` of lists in the order of ids. */
export function cursorIn(query: ReadonlyMap<string, string>): string | undefined {
  const cursor = query.get('cursor')
  if (cursor === undefined || (cursor !== '' && cursor.length <= MAX_CURSOR)) return cursor
  throw new ControlError('invalid_request', 'cursor: expected the `next_cursor` of another page.', { param: 'cursor' })
}

/** A page's members and what asks for the page behind it. */
export interface Page<T> {
  readonly data: readonly T[]
  readonly next_cursor: string | null
}

/** A page of what is sorted by a text that no two have: those behind the cursor, which is that text of the last one before. */
export function pageAfter<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  { limit, cursor }: { readonly limit: number; readonly cursor: string | undefined },
): Page<T> {
  const first = cursor === undefined ? 0 : all.findIndex((item) => keyOf(item) > cursor)
  const data = first < 0 ? [] : all.slice(first, first + limit)
  const last = data.at(-1)
  const more = last !== undefined && first + limit < all.length
  return { data, next_cursor: more ? keyOf(last) : null }
}
