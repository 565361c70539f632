import type { Exchange } from '../../core/index.ts'
import { formatTraceparent } from '../../lib/index.ts'

/**
 * The client's headers that go to an upstream, flat: those that the endpoint takes and the provider's configuration does not
 * set, and its trace. Everything else stays here, credentials first of all: what is on no list cannot leak.
 */
export function forwardedHeaders(x: Exchange, taken: ReadonlySet<string>, own: ReadonlySet<string>): string[] {
  const headers: string[] = []
  const { names, values } = x.head
  let traceState: string | null = null
  for (let at = 0; at < names.length; at++) {
    const name = names[at] as string // in range
    // A repeated header goes once: the first one.
    if (name === 'tracestate') {
      const value = values[at] as string // same length as names
      traceState = traceState === null ? value : `${traceState},${value}`
      continue
    }
    if (!taken.has(name) || own.has(name) || names.indexOf(name) < at) continue
    headers.push(name, values[at] as string) // same length as names
  }
  const { traceId, traceFlags: flags } = x.head
  // Where the client has no trace none is begun: its flags would decide for the provider what is sampled.
  if (traceId === null) return headers
  // Several lines are one list, and without a valid traceparent it means nothing (W3C Trace Context, sections 3.3 and 4.2).
  if (traceState !== null && !own.has('tracestate')) headers.push('tracestate', traceState)
  headers.push('traceparent', formatTraceparent({ traceId, parentId: x.gateway.ids.spanId(), flags }))
  return headers
}
