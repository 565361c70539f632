/** A key for an attempt of a request. Nearly all requests have one, so that the id alone is a key without a new text. */
export function attemptKey(requestId: string, attempt: number): string {
  return attempt === 1 ? requestId : `${requestId}/${attempt}`
}
