import type { TargetStatistics } from './contract.ts'

/** Of a gateway that has learned nothing yet. */
export const NO_STATISTICS: TargetStatistics = {
  firstByteMs: () => Number.NaN,
  failureShare: () => 0,
  inFlight: () => 0,
  restsMs: () => 0,
  refusesMs: () => 0,
  opensInMs: () => 0,
}
