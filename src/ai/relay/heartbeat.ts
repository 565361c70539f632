import type { Heartbeat } from '../../core/index.ts'

/** A comment of an event stream, which clients pass over (HTML, "Server-sent events", 9.2.6). */
const COMMENT = Buffer.from(': \n\n')

/** What a stream of events says while its upstream is silent for so long. */
export function commentEvery(everyMs: number): Heartbeat {
  return { everyMs, bytes: COMMENT }
}
