/**
 * The verdict of active checks on one target, as one 32-bit cell: two bits of verdict, above them how many checks in a
 * row spoke against it. Zero, a fresh cell, is "unknown", which counts as healthy: a start must not begin with refusals.
 * The first check decides at once, whatever the thresholds.
 */

export interface HealthRules {
  /** Passed checks in a row that make an unhealthy target healthy; at least 1. */
  readonly healthyThreshold: number
  /** Failed checks in a row that make a healthy target unhealthy; at least 1. */
  readonly unhealthyThreshold: number
}

const VERDICT_BITS = 2
const UNKNOWN = 0
const HEALTHY = 1
const UNHEALTHY = 2

/** True when the cell's verdict is that the target does not work. */
export function isUnhealthy(cell: number): boolean {
  return (cell & 3) === UNHEALTHY
}

/** The cell after one more check. */
export function nextHealth(cell: number, passed: boolean, rules: HealthRules): number {
  const verdict = cell & 3
  if (verdict === UNKNOWN) return passed ? HEALTHY : UNHEALTHY
  if (passed === (verdict === HEALTHY)) return verdict
  const against = (cell >> VERDICT_BITS) + 1
  const needed = passed ? rules.healthyThreshold : rules.unhealthyThreshold
  if (against >= needed) return passed ? HEALTHY : UNHEALTHY
  return verdict | (against << VERDICT_BITS)
}
