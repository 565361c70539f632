/** Flat header lists (name, value, name, value; names in lower case), changed in place. */

/** The first value of a header, or null. */
export function headerOf(headers: readonly string[], name: string): string | null {
  for (let at = 0; at + 1 < headers.length; at += 2) {
    if (headers[at] === name) return headers[at + 1] as string // in range
  }
  return null
}

/** Takes away every line whose name is in the set. */
export function removeHeaders(headers: string[], names: ReadonlySet<string>): void {
  let kept = 0
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] as string // in range
    if (names.has(name)) continue
    headers[kept] = name
    headers[kept + 1] = headers[at + 1] as string // in range
    kept += 2
  }
  headers.length = kept
}

/** Says in `vary` that the answer depends on this request header (in lower case), once. */
export function addVary(headers: string[], name: string): void {
  for (let at = 0; at + 1 < headers.length; at += 2) {
    if (headers[at] !== 'vary') continue
    const value = headers[at + 1] as string // in range
    const members = value.split(',').map((member) => member.trim().toLowerCase())
    if (members.includes('*') || members.includes(name)) return
  }
  headers.push('vary', name)
}
