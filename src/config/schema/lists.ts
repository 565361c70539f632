import * as z from 'zod'

/** One value or a list of them; in the document always a list. */
export function listOf<T extends z.ZodType>(item: T) {
  return z.union([item.transform((value) => [value]), z.array(item).min(1)])
}
