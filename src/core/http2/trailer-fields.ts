import type { OutgoingHttpHeaders } from 'node:http2'
import { isSendableName, isSendableValue } from '../http1/grammar.ts'

/** Trailers as the library sends them, from a flat list. Throws a RangeError for what no trailer can hold. */
export function trailerFields(trailers: readonly string[]): OutgoingHttpHeaders {
  const fields: Record<string, string[]> = Object.create(null)
  for (let at = 0; at + 1 < trailers.length; at += 2) {
    const name = trailers[at] as string // in range
    const value = trailers[at + 1] as string // in range
    if (!isSendableName(name) || !isSendableValue(value)) {
      throw new RangeError('a trailer has characters that no trailer may have')
    }
    fields[name] = [...(fields[name] ?? []), value]
  }
  return fields
}
