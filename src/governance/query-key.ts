/** Paths of the one API whose examples say the key in the query; nowhere else is it looked for. */
const PATHS = /^\/(?:v1beta\/|upload\/v1|v1\/models(?:\/|$))/
const NAME = 'key='

/** The keys that the query of a request says, decoded; none on paths whose clients do not say it there. */
export function queryKeys(path: string, query: string): readonly string[] {
  if (!query.includes(NAME) || !PATHS.test(path)) return []
  return query.split('&').flatMap((pair) => (pair.startsWith(NAME) ? [decoded(pair.slice(NAME.length))] : []))
}

/** What of a query may go on to an upstream: a key of ours is worth something here only. */
export function withoutQueryKeys(path: string, query: string): string {
  if (!query.includes(NAME) || !PATHS.test(path)) return query
  const kept = query.split('&').filter((pair) => !pair.startsWith(NAME))
  return kept.join('&')
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
