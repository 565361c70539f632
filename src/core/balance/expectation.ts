/** What an active check must see to pass. */
export interface Expectation {
  /** Statuses, as ranges with both ends included. */
  readonly statuses: readonly StatusRange[]
  /** A text that the body must hold within its first MAX_PROBE_BODY_BYTES; null for any body. */
  readonly body: Buffer | null
}

export interface StatusRange {
  readonly from: number
  readonly to: number
}

/** How much of a check's answer is looked at; who probes need not read more. */
export const MAX_PROBE_BODY_BYTES = 65_536

/** What a probe found. */
export type ProbeOutcome =
  | { readonly kind: 'answer'; readonly status: number; readonly body: Buffer }
  /** No answer; the reason is for logs. */
  | { readonly kind: 'failure'; readonly reason: string }

/** Null when the outcome is as expected, else what is wrong with it, for logs. Shows nothing of the body. */
export function checkOutcome(outcome: ProbeOutcome, expected: Expectation): string | null {
  if (outcome.kind === 'failure') return outcome.reason
  const { status, body } = outcome
  if (!expected.statuses.some(({ from, to }) => from <= status && status <= to)) return `status ${status}`
  if (expected.body === null || body.subarray(0, MAX_PROBE_BODY_BYTES).includes(expected.body)) return null
  return 'the body does not hold the expected text'
}
