/** The deadlines of an attempt, in milliseconds. The smallest that applies wins; transports add none of their own. */
export interface Timeouts {
  readonly connectMs: number
  /** For one of the gateway's own connections to become free, when all are busy. Absent: as long as for the first byte. */
  readonly pendingMs?: number
  /** From dispatch to the first byte of the answer, when a whole answer was asked for. */
  readonly firstByteMs: number
  /** The same when a stream was asked for. */
  readonly firstByteStreamMs: number
  /** Longest silence within an answer, while the client takes what comes. */
  readonly idleMs: number
  /** From the start of the request to the end of the answer. */
  readonly totalMs: number
}
