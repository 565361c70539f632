/**
 * What a segment of a canonical path says, which keeps percent-encoded what would change its meaning, such as a slash within
 * a name; empty for what says nothing.
 */
export function decodedSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return '' // no UTF-8
  }
}
