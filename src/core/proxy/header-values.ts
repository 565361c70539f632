import type { RequestHead } from '../http1/request-head.ts'

/** All values of a header, in the order received, as one list (RFC 9110, 5.3); null when it is missing. */
export function allValues(head: RequestHead, name: string): string | null {
  const first = head.names.indexOf(name)
  if (first < 0) return null
  let value = head.values[first] as string // in range: as long as names
  for (let at = head.names.indexOf(name, first + 1); at >= 0; at = head.names.indexOf(name, at + 1)) {
    value += `, ${head.values[at]}`
  }
  return value
}
