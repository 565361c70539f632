import type { RequestFacts } from './contract.ts'

/** In which a client says that only targets with all of these tags may serve it. */
const REQUIRED_TAGS = 'x-ferro-require-tags'

/** Tags that a target must have for a request, as its client says; null: any will do. */
export function requiredTags(facts: Pick<RequestFacts, 'header'>): readonly string[] | null {
  const text = facts.header(REQUIRED_TAGS)
  if (text === null) return null
  const tags = text.split(',').map((tag) => tag.trim())
  const named = tags.filter((tag) => tag !== '')
  return named.length === 0 ? null : named
}

/** Whether a target has all of them. */
export function hasTags(tags: ReadonlySet<string>, required: readonly string[] | null): boolean {
  return required === null || required.every((tag) => tags.has(tag))
}
