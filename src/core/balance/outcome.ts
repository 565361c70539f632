import type { Outcome } from './contract.ts'

/** How an attempt can fail, as far as health and retries care. */
export type Failure =
  /** Our own limit on connections or waiting requests to the target. */
  | 'saturated'
  /** No connection: refused, no route, name not found, connect deadline. */
  | 'unreachable'
  /** The TLS handshake failed. */
  | 'untrusted'
  /** A kept connection was closed before the first byte of an answer: the target's idle time and our request crossed. */
  | 'stale_connection'
  /** A new connection was closed before the first byte of an answer. */
  | 'closed'
  /** What came is not HTTP. */
  | 'invalid_answer'
  | 'first_byte_timeout'
  /** Silence within an answer. */
  | 'idle_timeout'
  /** The request's own total deadline. */
  | 'total_timeout'
  /** The answer broke off. */
  | 'truncated'
  /** The client left, or the gateway cut the request. */
  | 'cancelled'
  /** Another attempt at the same time was the first to answer. */
  | 'overtaken'

/**
 * What each failure says about the target. A stale connection says nothing: it happens to healthy servers. Neither does
 * the total deadline, which may have been spent on other targets or by the client.
 */
const OUTCOMES: Readonly<Record<Failure, Outcome>> = {
  saturated: 'neutral',
  unreachable: 'down',
  untrusted: 'down',
  stale_connection: 'neutral',
  closed: 'failure',
  invalid_answer: 'failure',
  first_byte_timeout: 'failure',
  idle_timeout: 'failure',
  total_timeout: 'neutral',
  truncated: 'failure',
  cancelled: 'neutral',
  overtaken: 'neutral',
}

/** What a failure says about the target. */
export function outcomeOfFailure(failure: Failure): Outcome {
  return OUTCOMES[failure]
}

/**
 * What an answer's status says about the target, given those that count as failures. 429 says nothing otherwise: a
 * healthy server's word that this client asks too much. A plain 500 is an answer by default: whoever finds one page that
 * fails could switch off all others with it.
 */
export function outcomeOfStatus(status: number, failing: ReadonlySet<number>): Outcome {
  if (failing.has(status)) return 'failure'
  return status === 429 ? 'neutral' : 'success'
}

/** Every status of some ranges. */
export function statusSet(ranges: readonly { readonly from: number; readonly to: number }[]): ReadonlySet<number> {
  return new Set(ranges.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, at) => from + at)))
}
