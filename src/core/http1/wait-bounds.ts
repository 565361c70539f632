import type { ConnectionTimeouts } from '../listen/door.ts'

/** The rest of a body that nobody reads must arrive within this time, for another request to follow it. */
const DROP_MS = 5_000
/** So long a client has to read the last answer before its connection is closed under it. */
const DISCARD_MS = 1_000

/**
 * What a connection waits for of its client.
 * `head`: the first request, or the rest of a head that has begun. `next`: another request, after one was answered.
 * `body`: the body of the current request. `drop`: the rest of a body that nobody reads. `discard`: the client's own end.
 */
export type Wait = 'head' | 'next' | 'body' | 'drop' | 'discard'

const BOUNDS: Readonly<Record<Wait, (timeouts: ConnectionTimeouts) => number>> = {
  head: ({ headerTimeoutMs }) => headerTimeoutMs,
  next: ({ keepAliveMs }) => keepAliveMs,
  body: ({ requestTimeoutMs }) => requestTimeoutMs,
  drop: ({ requestTimeoutMs }) => Math.min(DROP_MS, requestTimeoutMs),
  discard: () => DISCARD_MS,
}

/** How long a client may take with it, in milliseconds; a route may say otherwise of its bodies. */
export function waitBoundMs(wait: Wait, timeouts: ConnectionTimeouts): number {
  return BOUNDS[wait](timeouts)
}

/** Whether the wait begins only when the client has taken all of the answer before it. */
export function waitsForAnswer(wait: Wait): boolean {
  return wait === 'next' || wait === 'discard'
}
